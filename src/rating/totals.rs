//! Tax and totals of an invoice: tax once per rate, never per line, so that anybody can recompute it
//! from the printed lines.

use crate::error::Result;
use crate::money::{self, Currency, Money};
use serde::Serialize;
use std::collections::BTreeMap;

/// A line's net amount and the rate that holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taxed {
    pub net: Money,
    pub rate_bp: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TaxGroup {
    pub rate_bp: i64,
    pub base_minor: i64,
    pub tax_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub gross_minor: i64,
    /// By rate, the highest first.
    pub tax: Vec<TaxGroup>,
}

/// The totals of lines in one currency; another one is an error.
pub fn totals(currency: Currency, lines: &[Taxed]) -> Result<Totals> {
    let mut bases: BTreeMap<i64, Money> = BTreeMap::new();
    for line in lines {
        let base = bases.entry(-line.rate_bp).or_insert(Money::zero(currency));
        *base = base.plus(line.net)?;
    }
    let mut net = Money::zero(currency);
    let mut tax = Money::zero(currency);
    let mut groups = Vec::with_capacity(bases.len());
    for (minus_rate, base) in bases {
        let rate_bp = -minus_rate;
        let tax_minor = money::basis_points(base.minor, rate_bp)?;
        net = net.plus(base)?;
        tax = tax.plus(Money::new(tax_minor, currency))?;
        groups.push(TaxGroup { rate_bp, base_minor: base.minor, tax_minor });
    }
    let gross = net.plus(tax)?;
    Ok(Totals {
        currency,
        net_minor: net.minor,
        tax_minor: tax.minor,
        gross_minor: gross.minor,
        tax: groups,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(lines: &[(i64, i64)]) -> Totals {
        let taxed = |(net, rate_bp): &(i64, i64)| Taxed {
            net: Money::new(*net, Currency::EUR),
            rate_bp: *rate_bp,
        };
        totals(Currency::EUR, &lines.iter().map(taxed).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn w_25_tax_is_rounded_once_per_rate() {
        let all = eur(&[(115, 2_100); 10]);
        assert_eq!((all.net_minor, all.tax_minor, all.gross_minor), (1_150, 242, 1_392));
    }

    #[test]
    fn w_26_each_rate_is_a_group() {
        let all = eur(&[(3_333, 900), (1_999, 2_100), (4_000, 0), (745, 2_100), (505, 900)]);
        let taxes: Vec<_> = all.tax.iter().map(|group| (group.rate_bp, group.tax_minor)).collect();
        assert_eq!(taxes, [(2_100, 576), (900, 345), (0, 0)]);
        assert_eq!(all.gross_minor, 11_503);
    }

    #[test]
    fn a_credit_is_minus_its_charge() {
        let (plus, minus) = (eur(&[(250, 2_100)]), eur(&[(-250, 2_100)]));
        assert_eq!((plus.tax_minor, minus.tax_minor), (53, -53));
    }

    #[test]
    fn currencies_do_not_mix() {
        let dollar = Taxed { net: Money::new(1, "USD".parse().unwrap()), rate_bp: 0 };
        assert!(totals(Currency::EUR, &[dollar]).is_err());
        let most = Taxed { net: Money::new(i64::MAX, Currency::EUR), rate_bp: 0 };
        assert!(totals(Currency::EUR, &[most, most]).is_err());
    }
}
