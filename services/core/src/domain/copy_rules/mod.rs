//! The rules of advertising text that every part of the program shares: quantities, terms, locales.
//!
//! # Purpose
//! [`quantity`] reads the figures of a text with everything that belongs to them; [`terms`] finds
//! what must not be said; [`compliance`] judges a line by the rule packs of advertising law, with the
//! terms among them and with what the advertiser can prove; [`locale`] writes numbers, prices and
//! dates as a country writes them; [`british`] turns lines of ours from American into British English;
//! [`names`] are what claims nothing; [`reading`] tells how fast words are read and where a sentence
//! ends; [`addresses`] finds where a text sends its reader, and [`orders`] whether it speaks to a writer
//! or a program instead of a buyer. What is compared, shown, counted or refused anywhere goes through here.
//!
//! # Invariants
//! - Pure: a text and a locale in, the same answer out.
//! - A figure is one span from its qualifier to its unit; nobody takes it apart.
//! - There is one list of terms and one function that looks for them.

pub mod addresses;
pub mod british;
pub mod compliance;
pub mod locale;
pub mod names;
pub mod orders;
pub mod quantity;
pub mod reading;
pub mod terms;
