//! Invented names, the same at each run.

/// Numbers that look thrown.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    pub fn first_name(&mut self) -> &'static str {
        self.pick(FIRST)
    }

    /// One of some twenty thousand.
    pub fn last_name(&mut self) -> String {
        let mut name = format!("{}{}{}", self.pick(HEAD), self.pick(MIDDLE), self.pick(TAIL));
        name[..1].make_ascii_uppercase();
        name
    }
}

const FIRST: &[&str] = &[
    "Ada", "Adele", "Alma", "Anders", "Anouk", "Aron", "Astrid", "Bastian", "Berit", "Bram",
    "Carla", "Cedric", "Clara", "Cosmo", "Dagny", "Daan", "Delia", "Edda", "Edgar", "Elin", "Emil",
    "Esra", "Fabio", "Femke", "Finn", "Flora", "Gerda", "Gideon", "Greta", "Hanna", "Hektor",
    "Hilde", "Ida", "Ingmar", "Iris", "Ivo", "Jana", "Joost", "Jonna", "Kaspar", "Katja", "Klaas",
    "Lara", "Leif", "Lotte", "Maarten", "Magda", "Mila", "Nadia", "Nils", "Nora", "Olaf", "Olga",
    "Oscar", "Paula", "Pia", "Quirin", "Rasmus", "Renske", "Rosa", "Ruben", "Saskia", "Selma",
    "Stijn", "Tamara", "Tilda", "Tobias", "Ulla", "Vera", "Viktor", "Wanda", "Willem", "Xenia",
    "Yara", "Yorick", "Zoe",
];
const HEAD: &[&str] = &[
    "al", "bar", "bren", "cor", "dal", "dov", "el", "fan", "gar", "hol", "ing", "jar", "kel",
    "lan", "mor", "nor", "ost", "pel", "quar", "ros", "sol", "tarn", "ul", "ver", "wes", "yar",
    "zel",
];
const MIDDLE: &[&str] = &[
    "", "ber", "de", "en", "fa", "ger", "hi", "ke", "li", "man", "ne", "or", "pa", "ri", "sen",
    "ti", "ulm", "wa",
];
const TAIL: &[&str] = &[
    "beek", "berg", "burg", "dahl", "dijk", "feld", "gaard", "ham", "holm", "hove", "kamp", "land",
    "lund", "mark", "moor", "mouth", "ness", "rup", "sen", "sson", "stad", "stein", "stra",
    "strom", "thal", "ton", "veld", "vik", "water", "wick", "wold", "worth", "zand",
];
