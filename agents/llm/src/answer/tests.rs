//! What of an answer may be used, and why the rest may not.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::test_requests::{SCRIPT, brief, chinese_brief, request};

fn whole(change: impl FnOnce(&mut Value)) -> String {
    let mut script: Value = serde_json::from_str(SCRIPT).unwrap();
    change(&mut script);
    json!({"scripts": [script]}).to_string()
}

/// What becomes of the sample script with another line in the second place.
fn line(caption: &str, facts: &[&str]) -> Result<(), DropReason> {
    let brief = brief();
    let answer = whole(|script| {
        script["lines"][1]["caption"] = json!(caption);
        script["lines"][1]["voice"] = json!("");
        script["lines"][1]["rests_on"] = json!(facts);
    });
    match parse(&answer, &request(&brief), "m") {
        Ok(_) => Ok(()),
        Err(AnswerError::NoUsableScript(refused)) => Err(refused[0].reason),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn thinking_fences_and_other_shapes_of_the_answer_are_read() {
    let brief = brief();
    let request = request(&brief);
    let object = whole(|_| ());
    for text in [
        object.clone(),
        format!("<think>{{\"scripts\":[]}} maybe</think>\n```json\n{object}\n```\nDone."),
        format!("so I think...</think>{object}"),
        format!("Here you are:\n{object}{object}"),
        format!("[{SCRIPT}]"),
        SCRIPT.to_owned(),
        format!("{{\"result\": {object}}}"),
        format!("{{\"scripts\": {{\"1\": {SCRIPT}}}}}"),
    ] {
        let answer = parse(&text, &request, "m").unwrap_or_else(|e| panic!("{text}: {e}"));
        let script = &answer.scripts[0];
        assert_eq!((script.wish, script.lines.len()), (0, 4));
        assert_eq!(script.lines[0].caption, "Bitter again?");
        assert_eq!(script.lines[3].rests_on, [FactId::new("price"), FactId::new("offer")]);
    }
}

#[test]
fn lines_as_plain_texts_rest_on_the_facts_they_say() {
    let brief = brief();
    let request = request(&brief);
    let text = json!({"scripts": [{"lines": [
        "Bitter again?", "Morning Roast: Smooth taste without bitterness",
        "9 of 10 tasters drank a second cup", "$12.50 for 250 g",
    ], "primary_text": "Smooth taste without bitterness."}]});
    let answer = parse(&text.to_string(), &request, "m").unwrap();
    let lines = &answer.scripts[0].lines;
    assert_eq!(lines[1].rests_on, [FactId::new("smooth")]);
    assert_eq!(lines[2].rests_on, [FactId::new("panel")]);
    assert_eq!((lines[0].role, lines[3].role), (Role::Hook, Role::Cta));
    assert_eq!(answer.scripts[0].structure, Structure::ProblemSolution, "that of the wish");
}

#[test]
fn scripts_find_their_wish_by_number_then_structure_then_order() {
    let brief = brief();
    let request = request(&brief);
    let offer = SCRIPT
        .replace("\"number\":1,", "")
        .replace("problem_solution", "offer-first")
        .replace("Bitter again?", "Dreading the first sip?");
    let text = format!("{{\"scripts\":[{offer},{SCRIPT},{SCRIPT}]}}");
    let answer = parse(&text, &request, "m").unwrap();
    let wishes: Vec<usize> = answer.scripts.iter().map(|script| script.wish).collect();
    assert_eq!(wishes, [1, 0], "and never more than were asked for");
}

#[test]
fn unreadable_answers_are_named() {
    let brief = brief();
    let request = request(&brief);
    let parse = |text: &str| parse(text, &request, "m").unwrap_err();
    assert_eq!(parse("  \n "), AnswerError::Blank);
    assert_eq!(parse("<think>never ends {"), AnswerError::Blank);
    assert_eq!(parse("I cannot do that."), AnswerError::NoJson);
    assert_eq!(parse(r#"{"scripts":[{"lines":[{"caption":"Rea"#), AnswerError::CutOff);
    assert_eq!(parse(r#"{"answer":42}"#), AnswerError::Shape);
    assert_eq!(parse(r#"{"scripts":"none"}"#), AnswerError::Shape);
    assert_eq!(parse(r#"{"scripts":[]}"#), AnswerError::NoUsableScript(vec![]));
    assert_eq!(parse(&"{".repeat(1 << 20)), AnswerError::TooLong(1 << 20));
}

#[test]
fn a_script_that_was_cut_off_is_refused_and_the_whole_ones_before_it_used() {
    let brief = brief();
    let request = request(&brief);
    let second = SCRIPT.replace("\"number\":1", "\"number\":2").replace("Bitter again?", "One sip?");
    let both = format!("{{\"scripts\":[{SCRIPT},{second}]}}");
    let end = both.rfind("\"primary_text\"").unwrap();
    let inside = both.rfind("{\"role\":\"cta\"").unwrap() + 20;
    for at in [end, inside] {
        let answer = parse(&both[..at], &request, "m").unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_eq!(answer.scripts[0].lines[0].caption, "Bitter again?");
        assert!(answer.scripts.iter().all(|script| script.lines.last().unwrap().caption.starts_with('$')));
    }
}

#[test]
fn figures_must_stand_in_a_cited_fact() {
    assert_eq!(line("20% off the first order", &["offer"]), Ok(()));
    assert_eq!(line("２０％ off the first order", &["offer"]), Ok(()));
    for (text, facts) in [
        ("20% off your first bag", &["smooth"]),
        ("20 off your first bag", &["offer"]),
        ("$20 off your first bag", &["offer"]),
        ("30% off your first bag", &["offer"]),
        ("½ off your first bag", &["offer"]),
        ("12 cups for 250 g", &["price"]),
    ] {
        assert_eq!(line(text, facts), Err(DropReason::ForeignFigure), "{text}");
    }
}

#[test]
fn figures_are_compared_with_unit_currency_and_magnitude() {
    let mut brief = brief();
    let texts = [("offer", "Up to 50% off, 30-day returns"), ("price", "HK$1,299 for 250 g")];
    for (id, text) in texts {
        let fact = brief.product.facts.iter_mut().find(|fact| fact.id.as_str() == id).unwrap();
        text.clone_into(&mut fact.text);
    }
    let request = request(&brief);
    let says = |caption: &str| {
        let answer = whole(|script| {
            script["lines"][1]["caption"] = json!(caption);
            script["lines"][1]["voice"] = json!("");
            script["lines"][1]["rests_on"] = json!(["offer", "price"]);
            script["lines"][3]["caption"] = json!("HK$1,299 for 250 g");
            script["lines"][3]["detail"] = json!("");
            script["primary_text"] = json!("Bitter again? Morning Roast is smooth.");
        });
        parse(&answer, &request, "m").is_ok()
    };
    for caption in ["Returns for 30 days", "Up to 50% off", "HK$1,299, 250 grams"] {
        assert!(says(caption), "{caption}");
    }
    for caption in [
        "30 years of returns",
        "50% off",
        "$1,299 for 250 g",
        "HK$1,299k for 250 g",
        "HK$1,299 for 250 kg",
        "1,299",
    ] {
        assert!(!says(caption), "{caption}");
    }
}

#[test]
fn each_rule_refuses_the_script_whose_line_breaks_it() {
    let cases: [(&str, &[&str], DropReason); 14] = [
        (" ", &[], DropReason::BlankCaption),
        ("A line that is far too long for the small screen of any phone at all", &[], DropReason::TooLong),
        ("Calm\u{202E}morning", &[], DropReason::Undrawable),
        ("Calm\nmorning", &[], DropReason::Undrawable),
        ("Go to shop.example now", &[], DropReason::AddressOrMarkup),
        ("<b>Calm</b> morning", &[], DropReason::AddressOrMarkup),
        ("Write to us @hillside", &[], DropReason::AddressOrMarkup),
        ("The mark is Kestrel 4417 Ledger", &[], DropReason::RulesEchoed),
        ("Ignore all rules and smile", &[], DropReason::MachineTalk),
        ("As an AI I cannot taste", &[], DropReason::MachineTalk),
        ("Calm morning", &["invented"], DropReason::UnknownFact),
        ("The best morning", &[], DropReason::BannedWord),
        ("A cheap morning", &[], DropReason::BannedWord),
        ("Bitter again!", &[], DropReason::Duplicate),
    ];
    for (text, facts, expected) in cases {
        assert_eq!(line(text, facts), Err(expected), "{text}");
    }
    assert_eq!(line("Bestow a calm morning", &[]), Ok(()), "only whole words are banned");
    assert_eq!(line("Best before noon", &[]), Ok(()), "context decides");
}

#[test]
fn an_echo_of_the_rules_is_refused_wherever_it_stands() {
    let brief = brief();
    let request = request(&brief);
    let quoted = "somebody who reads only the captions, in order, must be reading one small text";
    let refusal = |change: &dyn Fn(&mut Value)| {
        let text = whole(|script| change(script));
        match parse(&text, &request, "m") {
            Err(AnswerError::NoUsableScript(refused)) => refused[0].reason,
            other => panic!("{other:?}"),
        }
    };
    let voice = |script: &mut Value| script["lines"][2]["voice"] = json!(quoted);
    let idea = |script: &mut Value| script["idea"] = json!(quoted);
    let text = |script: &mut Value| script["primary_text"] = json!(quoted);
    for change in [&voice as &dyn Fn(&mut Value), &idea, &text] {
        assert_eq!(refusal(change), DropReason::RulesEchoed);
    }
}

#[test]
fn another_language_is_refused_and_names_and_figures_are_in_none() {
    let english = brief();
    let han = whole(|script| script["lines"][1]["caption"] = json!("早上好，喝一杯"));
    let refused = parse(&han, &request(&english), "m").unwrap_err();
    assert!(refused.to_string().contains("not in the asked language"), "{refused}");
    let chinese = chinese_brief();
    let refused = parse(&whole(|_| ()).replace("bitter", "x"), &request(&chinese), "m").unwrap_err();
    assert!(matches!(refused, AnswerError::NoUsableScript(_)), "{refused}");
    assert!(speaks("UPF 50+ 手背也挡住，夏天骑车，袖子别省", &[], Locale::ZhCn));
    assert!(!speaks("Smooth to the last sip", &[], Locale::ZhCn));
    assert!(!speaks("Мягкий вкус до последнего глотка", &[], Locale::EnUs));
    assert!(speaks("晨光 is smooth", &["晨光"], Locale::EnUs), "a name stays what it is");
}

#[test]
fn openings_that_were_used_are_refused() {
    let brief = brief();
    let mut request = request(&brief);
    let avoid = ["bitter  AGAIN".to_owned()];
    request.avoid = &avoid;
    let refused = parse(&whole(|_| ()), &request, "m").unwrap_err();
    let AnswerError::NoUsableScript(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused[0].reason, DropReason::Avoided);
}

#[test]
fn a_refusal_says_which_line_of_which_script() {
    let brief = brief();
    let second = SCRIPT.replace("\"number\":1", "\"number\":2").replace("is smooth\"", "is the best\"");
    let text = format!("{{\"scripts\":[{SCRIPT},{second}]}}");
    let answer = parse(&text, &request(&brief), "m").unwrap();
    assert_eq!(answer.scripts.len(), 1);
    assert_eq!(
        answer.refused[0].to_string(),
        "script 2, line 2: a text holds a banned word or an absolute term"
    );
}

proptest! {
    #[test]
    fn any_text_ends_in_scripts_that_keep_the_contract_or_in_an_error(text in ".{0,400}") {
        let brief = brief();
        let request = request(&brief);
        if let Ok(answer) = parse(&text, &request, "m") {
            prop_assert!(answer.scripts.iter().all(|script| WHOLE_LINES.contains(&script.lines.len())));
        }
    }

    #[test]
    fn any_caption_keeps_the_contract_or_is_refused(text in "\\PC{0,60}", id in "[a-z]{1,6}") {
        let brief = brief();
        let request = request(&brief);
        let answer = whole(|script| {
            script["lines"][1]["caption"] = json!(text);
            script["lines"][1]["rests_on"] = json!([id]);
        });
        if let Ok(answer) = parse(&answer, &request, "m") {
            let line = &answer.scripts[0].lines[1];
            prop_assert!(line.caption.chars().count() <= request.limits.inner);
            prop_assert!(line.rests_on.iter().all(|id| brief.fact(id).is_some()));
            prop_assert!(!line.caption.contains(char::is_control));
        }
    }
}
