//! Domain names as text: how the DNS has them, how people read them, and which look like another.
//! Pure.

/// The name as people write it.
pub fn readable(name: &str) -> String {
    match idna::domain_to_unicode(name) {
        (text, Ok(())) => text,
        _ => name.to_owned(),
    }
}

/// The name as the DNS has it: small letters, other scripts as punycode, no dot at the end.
pub fn ascii(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('.');
    let wrong = || "is not a domain like company.example".to_owned();
    let name = idna::domain_to_ascii(text).map_err(|_| wrong())?;
    let labels: Vec<&str> = name.split('.').collect();
    let good = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let numbers = labels.last().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit()));
    if !(2..=10).contains(&labels.len()) || name.len() > 253 || numbers || !labels.iter().all(good)
    {
        return Err(wrong());
    }
    Ok(name)
}

/// The name that people would take it for: letters of other scripts that look like ours as ours.
pub fn twin(name: &str) -> String {
    readable(name).chars().map(ours).collect()
}

fn ours(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
        'Ь' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' => 'e',
        'ɡ' => 'g',
        'һ' => 'h',
        'і' | 'ι' | 'ı' | 'í' | 'ì' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'п' | 'η' => 'n',
        'о' | 'ο' | 'σ' | 'ө' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ц' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// What is written in a list: a name, or `*.name` for everything below it.
pub fn is_listed(name: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(tail) => name.ends_with(tail),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_kept_as_the_dns_has_it() {
        assert_eq!(ascii("Aldermoor.EXAMPLE."), Ok("aldermoor.example".into()));
        assert_eq!(ascii("bücher.example"), Ok("xn--bcher-kva.example".into()));
        assert_eq!(readable("xn--bcher-kva.example"), "bücher.example");
        for bad in
            ["a", "a..b", "-a.example", "a b.example", "1.2.3.4", "a@b.example", "_x.example"]
        {
            assert!(ascii(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_looks_like_another_name_is_known() {
        let fake = ascii("gmаil.com").unwrap();
        assert!(fake.starts_with("xn--"));
        assert_eq!(twin(&fake), "gmail.com");
        assert_eq!(twin("bücher.example"), "bücher.example");
        assert!(is_listed("a.b.example", "*.example") && !is_listed("example", "*.example"));
    }
}
