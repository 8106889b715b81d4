//! Who is in the demonstration: invented people and companies on example domains.

/// A reseller and how much it adds to what it pays; none: the provider bills its customers itself.
pub struct Reseller {
    pub name: &'static str,
    pub domain: &'static str,
    pub city: &'static str,
    pub markup_bp: Option<i64>,
}

/// A customer: below which reseller (by place in [`RESELLERS`], none: the provider's own), and how
/// many people it ends up with.
pub struct Customer {
    pub name: &'static str,
    pub domain: &'static str,
    pub city: &'static str,
    pub below: Option<usize>,
    pub people: usize,
    /// In which month of the year shown it comes, 0 is the first.
    pub since: i32,
}

pub const PROVIDER: (&str, &str, &str) = ("Tarnholm IT", "TIT", "tarnholm.example");

pub const RESELLERS: &[Reseller] = &[
    Reseller {
        name: "Brightwater Office",
        domain: "brightwater.example",
        city: "Haarlem",
        markup_bp: Some(2500),
    },
    Reseller {
        name: "Northgate Systems",
        domain: "northgate.example",
        city: "Groningen",
        markup_bp: Some(1800),
    },
    Reseller {
        name: "Calder Computing",
        domain: "calder.example",
        city: "Arnhem",
        markup_bp: None,
    },
];

const fn customer(
    name: &'static str,
    domain: &'static str,
    city: &'static str,
    below: Option<usize>,
    people: usize,
    since: i32,
) -> Customer {
    Customer { name, domain, city, below, people, since }
}

pub const CUSTOMERS: &[Customer] = &[
    customer("Aldermoor Dental", "aldermoor.example", "Amsterdam", Some(0), 26, 0),
    customer("Hollin Veterinary Clinic", "hollinvet.example", "Haarlem", Some(0), 19, 0),
    customer("Pennock & Stray Solicitors", "pennockstray.example", "Leiden", Some(0), 31, 2),
    customer("Sandgrove Primary School", "sandgrove.example", "Zandvoort", Some(0), 42, 5),
    customer("Vasterby Timber", "vasterby.example", "Assen", Some(1), 24, 0),
    customer("Copperbeck Brewery", "copperbeck.example", "Groningen", Some(1), 18, 1),
    customer("Ferrow & Pell", "ferrowpell.example", "Emmen", Some(1), 15, 3),
    customer("Lumen Yard Architects", "lumenyard.example", "Arnhem", Some(2), 22, 0),
    customer("Ostara Bakeries", "ostara.example", "Nijmegen", Some(2), 28, 4),
    customer("Quillfeather Press", "quillfeather.example", "Utrecht", None, 17, 0),
    customer("Marrowdale Logistics", "marrowdale.example", "Rotterdam", None, 37, 1),
    customer("Thistle Lane Pharmacy", "thistlelane.example", "Delft", None, 12, 7),
];

const FIRST: &[&str] = &[
    "Maren",
    "Theo",
    "Idris",
    "Sunniva",
    "Anouk",
    "Ylva",
    "Gerrit",
    "Wilhelmina",
    "Sjoerd",
    "Tamsin",
    "Oskar",
    "Leonie",
    "Bram",
    "Elif",
    "Matteo",
    "Ingrid",
    "Ruben",
    "Saoirse",
    "Jonas",
    "Priya",
    "Casper",
    "Noor",
    "Felix",
    "Marit",
    "Dario",
    "Hanneke",
    "Ewan",
    "Zofia",
    "Luuk",
    "Amara",
    "Willem",
    "Freya",
    "Milan",
    "Jorinde",
    "Arun",
    "Katja",
    "Pieter",
    "Lotte",
    "Emre",
    "Sanne",
    "Viggo",
    "Mieke",
    "Rafael",
    "Tessa",
    "Bjorn",
    "Aisling",
    "Daan",
    "Nadia",
    "Koen",
    "Imogen",
];

const LAST: &[&str] = &[
    "Tolliver",
    "Vane",
    "Vantongeren",
    "Akselrod",
    "Bellweather",
    "Strandqvist",
    "Oosterhuis",
    "Grünwald",
    "Ten Broeke",
    "Harcastle",
    "Lindqvist",
    "Marchetti",
    "De Ruiter",
    "Aydın",
    "Falkenberg",
    "O'Shea",
    "Petrov",
    "Van Dalen",
    "Sørensen",
    "Iyer",
    "Brandsma",
    "Kowalska",
    "Hazelhurst",
    "Meijer",
    "Bianchi",
    "Dijkstra",
    "Cameron",
    "Nowak",
    "Jansma",
    "Okafor",
    "Steenwijk",
    "Holloway",
    "Novák",
    "Van der Laan",
    "Nair",
    "Weiss",
    "Postma",
    "Ravenscroft",
    "Yılmaz",
    "Hoekstra",
    "Lund",
    "Terpstra",
    "Moreau",
    "Verbeek",
    "Halvorsen",
    "Byrne",
    "Smit",
    "Haddad",
    "Wiersma",
    "Pemberton",
];

pub const JOBS: &[(&str, &str)] = &[
    ("Office manager", "Office"),
    ("Assistant", "Office"),
    ("Bookkeeper", "Finance"),
    ("Controller", "Finance"),
    ("Planner", "Operations"),
    ("Team lead", "Operations"),
    ("Adviser", "Clients"),
    ("Account manager", "Clients"),
    ("Engineer", "Technical"),
    ("Intern", "Technical"),
];

/// Numbers that look thrown and are the same each time.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Dice {
        Dice(0x9e37_79b9_7f4a_7c15)
    }

    /// 0 to `sides` - 1.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let sides = u64::try_from(sides.max(1)).unwrap_or(1);
        usize::try_from(self.0 % sides).unwrap_or(0)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let place = self.roll(from.len());
        from.get(place)
    }
}

/// The person with that number: 2,500 of them before a name comes again.
pub fn person(number: usize) -> (&'static str, &'static str) {
    let first = FIRST.get(number % FIRST.len()).copied().unwrap_or("Ann");
    let turn = number / FIRST.len();
    let last = LAST.get((number * 7 + turn * 3 + 1) % LAST.len()).copied().unwrap_or("Other");
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_do_not_come_again_soon() {
        let names: BTreeSet<_> = (0..400).map(person).collect();
        assert_eq!(names.len(), 400);
        let people: usize = CUSTOMERS.iter().map(|c| c.people).sum();
        assert!(
            (280..=320).contains(&people) && CUSTOMERS.len() == 12 && RESELLERS.len() == 3,
            "{people}"
        );
    }
}
