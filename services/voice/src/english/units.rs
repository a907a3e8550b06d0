//! Units of measure in English words.

/// Abbreviation, its name for one, and for more.
const UNITS: [(&str, &str, &str); 44] = [
    ("g", "gram", "grams"),
    ("kg", "kilogram", "kilograms"),
    ("mg", "milligram", "milligrams"),
    ("oz", "ounce", "ounces"),
    ("lb", "pound", "pounds"),
    ("lbs", "pound", "pounds"),
    ("ml", "milliliter", "milliliters"),
    ("cl", "centiliter", "centiliters"),
    ("l", "liter", "liters"),
    ("L", "liter", "liters"),
    ("gal", "gallon", "gallons"),
    ("qt", "quart", "quarts"),
    ("mm", "millimeter", "millimeters"),
    ("cm", "centimeter", "centimeters"),
    ("m", "meter", "meters"),
    ("km", "kilometer", "kilometers"),
    ("ft", "foot", "feet"),
    ("in", "inch", "inches"),
    ("yd", "yard", "yards"),
    ("mi", "mile", "miles"),
    ("mph", "mile per hour", "miles per hour"),
    ("sq", "square", "square"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("mins", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("hr", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("yr", "year", "years"),
    ("yrs", "year", "years"),
    ("mo", "month", "months"),
    ("wk", "week", "weeks"),
    ("W", "watt", "watts"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("mAh", "milliamp hour", "milliamp hours"),
    ("V", "volt", "volts"),
    ("Hz", "hertz", "hertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("MB", "megabyte", "megabytes"),
    ("°C", "degree celsius", "degrees celsius"),
    ("°F", "degree fahrenheit", "degrees fahrenheit"),
];

/// The unit's name for one or more of it. `None` for what is no unit.
pub(super) fn name(text: &str, one: bool) -> Option<&'static str> {
    UNITS.iter().find(|(short, ..)| *short == text).map(|(_, single, many)| if one { *single } else { *many })
}

/// The unit's name for one of it.
pub(super) fn singular(text: &str) -> Option<&'static str> {
    name(text, true)
}

/// The name for one of a unit that is named for more, e.g. `ounce` for `ounces`.
pub(super) fn single(many: &str) -> Option<&'static str> {
    let last = |name: &'static str| name.rsplit(' ').next().unwrap_or(name);
    UNITS.iter().find(|(_, _, name)| last(name) == many).map(|(_, one, _)| last(one))
}

/// Whether a word in lower case may be the abbreviation of a unit that takes a full stop.
pub(super) fn is_unit(lower: &str) -> bool {
    matches!(lower, "oz" | "lb" | "lbs" | "ft" | "hr" | "hrs" | "yr" | "yrs" | "min" | "mins" | "sec")
}
