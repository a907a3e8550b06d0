//! Golden tables of the English front end.

use super::*;

/// Lines of advertisements as they are written, and as they are said.
const LINES: [(&str, &str); 75] = [
    ("$12.50 for 250 g", "twelve dollars and fifty cents for two hundred fifty grams"),
    ("Only $9.99!", "Only nine dollars and ninety nine cents!"),
    ("Now $1", "Now one dollar"),
    ("$0.99 each", "ninety nine cents each"),
    ("$1,299.00 or less", "one thousand two hundred ninety nine dollars or less"),
    ("$1.5M raised", "one point five million dollars raised"),
    ("$10k in prizes", "ten thousand dollars in prizes"),
    ("$5-$10 a day", "five dollars to ten dollars a day"),
    ("$12/month", "twelve dollars per month"),
    ("$50+ orders ship free", "fifty dollars and up orders ship free"),
    ("£4.05 a cup", "four pounds and five pence a cup"),
    ("€20 deposit", "twenty euros deposit"),
    ("$2.5 per cup", "two point five dollars per cup"),
    ("20% off", "twenty percent off"),
    ("2.5% cashback", "two point five percent cashback"),
    ("5-10% lighter", "five to ten percent lighter"),
    ("100% organic cotton", "one hundred percent organic cotton"),
    ("50 % off", "fifty percent off"),
    ("1 kg bag", "one kilogram bag"),
    ("1.5L bottle", "one point five liter bottle"),
    ("500 ml", "five hundred milliliters"),
    ("10 m cable", "ten meter cable"),
    ("16oz tumbler", "sixteen ounce tumbler"),
    ("5 lbs lighter", "five pounds lighter"),
    ("6 in. deep", "six inches deep"),
    ("40mm case", "forty millimeter case"),
    ("5000 mAh battery", "five thousand milliamp hour battery"),
    ("65W charger", "sixty five watt charger"),
    ("256GB storage", "two hundred fifty six gigabyte storage"),
    ("-20°C to 40°C", "twenty degrees celsius to forty degrees celsius"),
    ("1st order", "first order"),
    ("The 22nd of May", "The twenty second of May"),
    ("December 24", "December twenty fourth"),
    ("Nov. 28, 2026", "November twenty eighth, twenty twenty six"),
    ("24 December", "twenty fourth December"),
    ("Since 1998", "Since nineteen ninety eight"),
    ("In 2026 we begin", "In twenty twenty six we begin"),
    ("2,000 reviews", "two thousand reviews"),
    ("From 2000 stores", "From two thousand stores"),
    ("2026-11-28", "November twenty eighth twenty twenty six"),
    ("The 1990s are back", "The nineteen nineties are back"),
    ("80s style", "eighties style"),
    ("7:30 pm", "seven thirty pm"),
    ("At 8:05am", "At eight oh five A.M"),
    ("10:00", "ten o'clock"),
    ("9am-5pm", "nine A.M five P.M"),
    ("Open 24/7", "Open twenty four seven"),
    ("9/10 tasters", "nine out of ten tasters"),
    ("9 of 10 tasters drank a second cup", "nine of ten tasters drank a second cup"),
    ("1/2 price", "one half price"),
    ("½ the time", "one half the time"),
    ("2x faster", "two times faster"),
    ("10x zoom", "ten times zoom"),
    ("#1 in taste", "number one in taste"),
    ("No. 1 choice", "number one choice"),
    ("No more waiting.", "No more waiting."),
    ("Buy 2, get 1 free", "Buy two, get one free"),
    ("3-in-1 tool", "three in one tool"),
    ("30-day returns", "thirty day returns"),
    ("12-pack", "twelve pack"),
    ("Call 800-555-0199", "Call eight zero zero five five five zero one nine nine"),
    ("SPF50 sunscreen", "S.P.F fifty sunscreen"),
    ("Vitamin B12", "Vitamin B twelve"),
    ("4K video", "four K video"),
    ("1080p camera", "ten eighty P camera"),
    ("5G ready", "five G ready"),
    ("Mac & cheese", "Mac and cheese"),
    ("morningroast.com", "morningroast dot com"),
    ("example.com/sale", "example dot com slash sale"),
    ("Dr. Green approves", "doctor Green approves"),
    ("Tea vs. coffee", "Tea versus coffee"),
    ("500+ reviews", "five hundred plus reviews"),
    ("“Best cup yet” — Anna", "Best cup yet— Anna"),
    ("$18 for a 12 oz bag.", "eighteen dollars for a twelve ounce bag."),
    ("Bitter again? Try ours…", "Bitter again? Try ours—"),
];

#[test]
fn lines_are_said_as_they_are_meant() {
    let wrong: Vec<String> = LINES
        .iter()
        .filter_map(|(written, said)| {
            let got = written_out(written);
            (got != *said).then(|| format!("{written:?}\n  got  {got}\n  want {said}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} lines\n{}", wrong.len(), wrong.join("\n"));
}

fn small() -> Lexicon {
    Lexicon::of(&[
        ("fresh", "fɹˈɛʃ"),
        ("cup", "kˈʌp"),
        ("bean", "bˈin"),
        ("plan", "plˈæn"),
        ("roast", "ɹˈOst"),
        ("skin", "skˈɪn"),
        ("care", "kˈɛɹ"),
        ("the", "ði"),
        ("to", "tu"),
        ("end", "ˈɛnd"),
        ("sale", "sˈAl"),
        ("two", "tˈu"),
        ("dollars", "dˈɑləɹz"),
        ("water", "wˈɔTəɹ"),
        ("V", "vˈi"),
        ("I", "ˈI"),
        ("P", "pˈi"),
        ("Q", "kjˈu"),
        ("X", "ˈɛks"),
    ])
}

#[test]
fn words_are_found_by_their_endings_and_parts() {
    let lexicon = small();
    for (word, symbols) in [
        ("cups", "kˈʌps"),
        ("Beans", "bˈinz"),
        ("bean's", "bˈinz"),
        ("roasted", "ɹˈOstᵻd"),
        ("planned", "plˈænd"),
        ("planning", "plˈænɪŋ"),
        ("SALE", "sˈAl"),
        ("skincare", "skˈɪn kˈɛɹ"),
        ("waterskin", "wˈɔTəɹskˌɪn"),
        ("fresh-roasted", "fɹˈɛʃ ɹˈOstᵻd"),
    ] {
        assert_eq!(lexicon.word(word).as_deref(), Some(symbols), "{word}");
    }
    assert_eq!(lexicon.word("quixotry"), None);
}

#[test]
fn letters_words_and_neighbors_sound_as_they_should() {
    let lexicon = small();
    let symbols = |text: &str| {
        let words = words(text, &lexicon, &NoSpelling);
        words.iter().map(|word| format!("{}{}", word.symbols, word.mark)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(symbols("VIP sale!"), "vˈi ˈI pˈi sˈAl!");
    assert_eq!(symbols("The end, the cup"), "ði ˈɛnd, ðə kˈʌp");
    assert_eq!(symbols("to roast, to end"), "tə ɹˈOst, tʊ ˈɛnd");
    assert_eq!(symbols("xqx"), "ˈɛks kjˈu ˈɛks", "what nobody can read is spelled");
    assert_eq!(symbols("😀 ☕"), "", "what is no word says nothing");
}

#[test]
fn a_price_is_one_word_of_the_text() {
    let words = words("$2, fresh!", &small(), &NoSpelling);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["$2", "fresh"]);
    assert_eq!(words[0].symbols, "tˈu dˈɑləɹz");
    assert_eq!([words[0].mark, words[1].mark], [",", "!"]);
}
