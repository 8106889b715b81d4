//! Money in whole minor units, unit prices in ten-thousandths of one, quantities in thousandths, and
//! the one way to round: halves away from zero. No floating point anywhere near it.

use crate::error::{Error, Result};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency. Its decimals are known; an unknown code is refused, for guessing two would
/// be off by ten or a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// What one unit costs, in ten-thousandths of a minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnitPrice(pub i64);

/// The parts of a minor unit that a [`UnitPrice`] counts.
pub const PRICE_SCALE: i64 = 10_000;

const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
const TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL \
    HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE \
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";

impl Currency {
    pub const EUR: Currency = Currency(*b"EUR");

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("EUR")
    }

    /// Digits after the point.
    pub fn decimals(self) -> u32 {
        if listed(NO_DECIMALS, self.code()) {
            0
        } else if listed(THREE_DECIMALS, self.code()) {
            3
        } else {
            2
        }
    }

    pub fn symbol(&self) -> Option<&'static str> {
        match self.code() {
            "EUR" => Some("€"),
            "USD" => Some("$"),
            "GBP" => Some("£"),
            "JPY" => Some("¥"),
            _ => None,
        }
    }
}

fn listed(codes: &str, code: &str) -> bool {
    codes.split_ascii_whitespace().any(|each| each == code)
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    pub fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// The sum; two currencies do not mix.
    pub fn plus(self, other: Money) -> Result<Money> {
        if self.currency != other.currency {
            return Err(Error::internal(format!(
                "{} and {} do not add up",
                self.currency, other.currency
            )));
        }
        let minor = self.minor.checked_add(other.minor).ok_or_else(overflow)?;
        Ok(Money { minor, ..self })
    }

    /// What other programs read: `1234.50`.
    pub fn plain(self) -> String {
        decimal(self.minor, self.currency.decimals(), false)
    }
}

impl UnitPrice {
    /// Reads `18.00`: at most four digits more than the currency has.
    pub fn parse(text: &str, currency: Currency) -> Option<UnitPrice> {
        scaled(text, currency.decimals() + 4).map(UnitPrice)
    }

    /// `18.00`, with further digits only where there are some.
    pub fn plain(self, currency: Currency) -> String {
        let text = decimal(self.0, currency.decimals() + 4, false);
        let keep = text
            .find('.')
            .map_or(text.len(), |dot| dot + usize::try_from(currency.decimals()).unwrap_or(2) + 1);
        let (head, tail) = text.split_at(keep.min(text.len()));
        let tail = tail.trim_end_matches('0');
        format!("{head}{tail}").trim_end_matches('.').to_owned()
    }

    /// `quantity` (a fraction) of it, rounded once.
    pub fn times(self, numerator: i128, denominator: i128) -> Result<i64> {
        let product = i128::from(self.0).checked_mul(numerator).ok_or_else(overflow)?;
        let scale = denominator.checked_mul(i128::from(PRICE_SCALE)).ok_or_else(overflow)?;
        divide(product, scale)
    }

    /// For people: `€18.00`.
    pub fn show(self, currency: Currency) -> String {
        match currency.symbol() {
            Some(symbol) => format!("{symbol}{}", self.plain(currency)),
            None => format!("{} {}", currency, self.plain(currency)),
        }
    }
}

/// The one rounding: halves away from zero, so that a credit is exactly minus its charge.
pub fn divide(numerator: i128, denominator: i128) -> Result<i64> {
    if denominator == 0 {
        return Err(Error::internal("a share of nothing"));
    }
    let negative = (numerator < 0) != (denominator < 0);
    let (n, d) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    let rounded = n / d + u128::from((n % d) >= d - (n % d));
    let signed = i128::try_from(rounded).map_err(|_| overflow())?;
    i64::try_from(if negative { -signed } else { signed }).map_err(|_| overflow())
}

/// A share of `whole` in basis points, rounded once: tax, mark-up.
pub fn basis_points(whole: i64, bp: i64) -> Result<i64> {
    divide(i128::from(whole) * i128::from(bp), 10_000)
}

/// Gives out `whole` in proportion to `weights`: floors first, then a unit each to the largest
/// remainders, the earlier one where they are equal. The parts add up to the whole.
pub fn share_out(whole: i64, weights: &[i128]) -> Result<Vec<i64>> {
    let total: i128 = weights.iter().sum();
    if total == 0 {
        return Ok(vec![0; weights.len()]);
    }
    let sign = if whole < 0 { -1 } else { 1 };
    let amount = i128::from(whole).abs();
    let exact = |weight: &i128| amount.checked_mul(*weight).ok_or_else(overflow);
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        let product = exact(weight)?;
        parts.push(product / total);
        remainders.push((product % total, place));
    }
    let left = usize::try_from(amount - parts.iter().sum::<i128>()).map_err(|_| overflow())?;
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, place) in remainders.iter().take(left) {
        if let Some(part) = parts.get_mut(*place) {
            *part += 1;
        }
    }
    parts.into_iter().map(|part| i64::try_from(part * sign).map_err(|_| overflow())).collect()
}

/// A fraction as a decimal of six places at most, trailing zeros cut: for eyes, never multiplied.
pub fn quantity(numerator: i128, denominator: i128) -> Result<String> {
    let millionths = divide(numerator.checked_mul(1_000_000).ok_or_else(overflow)?, denominator)?;
    let text = decimal(millionths, 6, false);
    Ok(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// Reads a decimal of at most `places` digits after the point as a whole number of its last place.
pub fn scaled(text: &str, places: u32) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let places = usize::try_from(places).ok()?;
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > places || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let number: i64 = format!("{whole}{part:0<places$}").parse().ok()?;
    number.checked_mul(sign)
}

fn decimal(number: i64, places: u32, grouped: bool) -> String {
    let scale = 10_u64.pow(places);
    let (whole, part) = (number.unsigned_abs() / scale, number.unsigned_abs() % scale);
    let mut head = whole.to_string();
    if grouped {
        let mut at = head.len();
        while at > 3 {
            at -= 3;
            head.insert(at, ',');
        }
    }
    let sign = match (number < 0, grouped) {
        (false, _) => "",
        (true, true) => "−",
        (true, false) => "-",
    };
    match usize::try_from(places) {
        Ok(width) if width > 0 => format!("{sign}{head}.{part:0width$}"),
        _ => format!("{sign}{head}"),
    }
}

fn overflow() -> Error {
    Error::internal("an amount is too large to count")
}

/// For people: `€1,234.50`, `−€37.80`, `CHF 12.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = decimal(self.minor, self.currency.decimals(), true);
        let (sign, digits) = match text.strip_prefix('−') {
            Some(rest) => ("−", rest),
            None => ("", text.as_str()),
        };
        match self.currency.symbol() {
            Some(symbol) => write!(f, "{sign}{symbol}{digits}"),
            None => write!(f, "{sign}{} {digits}", self.currency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = ();
    fn from_str(text: &str) -> Result<Currency, ()> {
        let known = [TWO_DECIMALS, NO_DECIMALS, THREE_DECIMALS].iter().any(|l| listed(l, text));
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if known => Ok(Currency(code)),
            _ => Err(()),
        }
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
        text.parse().map_err(|()| serde::de::Error::custom("not a currency"))
    }
}

impl ToSql for Currency {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.code()))
    }
}

impl FromSql for Currency {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|()| FromSqlError::InvalidType)
    }
}

impl ToSql for UnitPrice {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for UnitPrice {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(UnitPrice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        let eur = |minor| Money::new(minor, Currency::EUR).to_string();
        assert_eq!((eur(123_450), eur(-3_780)), ("€1,234.50".into(), "−€37.80".into()));
        assert_eq!(Money::new(1_000, "JPY".parse().unwrap()).to_string(), "¥1,000");
        assert_eq!(Money::new(3_250, "BHD".parse().unwrap()).to_string(), "BHD 3.250");
        assert_eq!("XYZ".parse::<Currency>(), Err(()));
    }

    #[test]
    fn unit_prices_keep_four_more_digits() {
        let price = |text| UnitPrice::parse(text, Currency::EUR);
        assert_eq!(price("18.00"), Some(UnitPrice(18_000_000)));
        assert_eq!(price("0.000125").unwrap().plain(Currency::EUR), "0.000125");
        assert_eq!(price("18").unwrap().plain(Currency::EUR), "18.00");
        assert_eq!((price("0.0000001"), price("1,5"), price(".5")), (None, None, None));
    }

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!((divide(5, 2).unwrap(), divide(-5, 2).unwrap()), (3, -3));
        assert_eq!((divide(7, 3).unwrap(), divide(2, 4).unwrap()), (2, 1));
        assert!(divide(1, 0).is_err());
    }

    #[test]
    fn a_third_of_ten_thrice_is_ten() {
        assert_eq!(share_out(1_000, &[1, 1, 1]).unwrap(), [334, 333, 333]);
        assert_eq!(share_out(-1_000, &[1, 1, 1]).unwrap(), [-334, -333, -333]);
    }

    proptest! {
        #[test]
        fn shares_add_up(whole in -1_000_000_000i64..1_000_000_000, weights in proptest::collection::vec(1i128..1_000_000, 1..40)) {
            let parts = share_out(whole, &weights).unwrap();
            prop_assert_eq!(parts.iter().sum::<i64>(), whole);
        }

        #[test]
        fn a_credit_is_minus_its_charge(n in -1_000_000_000_000i128..1_000_000_000_000, d in 1i128..1_000_000) {
            prop_assert_eq!(divide(n, d).unwrap(), -divide(-n, d).unwrap());
        }

        #[test]
        fn what_is_printed_is_read_back(minor in proptest::num::i64::ANY) {
            let money = Money::new(minor / 2, Currency::EUR);
            prop_assert_eq!(scaled(&money.plain(), 2), Some(money.minor));
        }
    }
}
