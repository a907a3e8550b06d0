//! A server on this machine plays language models of every kind that read an advertiser's notes: a strong one, a
//! lazy, a verbose, one that answers in another language, one whose answers are cut off, one that refuses, one that
//! invents, and one that is down. The draft is never worse than that of the rules, says who has read, and the bill is
//! right to the micro. The one that obeys whoever speaks last is played in `injections.rs`.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use spotwright_core::ports::source_reader::{ReadField, SourceReader};
use spotwright_intake::{Draft, Dropped, Source, read};
use spotwright_llm::openai::{ApiKey, Chat, Options, RungMemory, build_client};
use spotwright_llm::reading::OpenAiReader;
use spotwright_schemas::money::Micros;
use spotwright_server::commands::brief_read::{ReadBy, Reader, read_with};

#[path = "../../../agents/llm/tests/quirk_server/mod.rs"]
#[expect(dead_code, reason = "the server can do more than these models need")]
mod quirk_server;

use quirk_server::{Answer, QuirkServer};

/// A sentence of which the rules take the first clause only.
const STORY: &str = "Two brothers turn every lid by hand, its shell is double-wall steel, and its shape is that \
    of a jug which stood for years on the table of the grandmother who taught them both to walk slowly and \
    to look at things twice before they say a word.";
const STEEL: &str = "its shell is double-wall steel";
const CHINESE: &str = "明前龙井\n\n手工炒制\n每罐净含量125克。\n价格：228元\n";

/// At one micro for a token read and four for one written, and the counters of [`completion`].
const BILL_OF_AN_ANSWER: i64 = 300 + 4 * 40;

fn english() -> String {
    format!("Trail Bottle\n\n{STORY}\nKeeps ice for 24 hours.\nPrice: $39.99\n")
}

fn completion(content: &str, finish: &str) -> Answer {
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 40},
    });
    Answer::new(200, body.to_string())
}

fn fact(value: &str, sentence: &str) -> Value {
    json!({"field": "fact", "kind": "feature", "value": value, "source": 1, "sentence": sentence})
}

/// What a good reader points at in the English notes.
fn strong() -> Value {
    json!({"values": [
        {"field": "name", "kind": "", "value": "Trail Bottle", "source": 1, "sentence": "Trail Bottle"},
        fact(STEEL, STORY),
        fact("Keeps ice for 24 hours", "Keeps ice for 24 hours."),
    ]})
}

struct Read {
    draft: Draft,
    by: ReadBy,
    rules: Draft,
    server: QuirkServer,
}

async fn play(
    text: &str,
    answer: impl FnMut(&quirk_server::Asked) -> Option<Answer> + Send + 'static,
) -> Read {
    rustls::crypto::ring::default_provider().install_default().ok();
    let server = QuirkServer::answering(12, answer).await;
    let options = Options {
        base_url: server.base_url.clone(),
        api_key: ApiKey::new("key").unwrap(),
        model: "played".to_owned(),
        input_price: Micros(1_000_000),
        output_price: Micros(4_000_000),
        retry_wait: Duration::ZERO,
        patience: Duration::ZERO,
        ..Options::default()
    };
    let client = build_client(&server.base_url, Duration::from_secs(10)).unwrap();
    let chat = Chat::new(options, client, RungMemory::default()).unwrap();
    let reader: Arc<dyn SourceReader> = Arc::new(OpenAiReader::new(chat));
    let rules = read(&[Source::named("notes.txt", text.as_bytes())], None).unwrap();
    let mut draft = rules.clone();
    let by = read_with(&mut draft, &Reader::Model(reader)).await;
    Read { draft, by, rules, server }
}

impl Read {
    fn checked(&self) -> &spotwright_intake::Checked {
        match &self.by {
            ReadBy::LanguageModel { checked, .. } => checked,
            ReadBy::Rules { reason, .. } => panic!("the model has not read: {reason}"),
        }
    }

    /// Nothing is lost, everything added has its evidence, and the bill is right.
    fn expect_sound(&self) {
        for fact in &self.rules.facts {
            assert!(self.draft.facts.contains(fact), "{fact:?} is lost");
        }
        for fact in &self.draft.facts {
            let text = &self.draft.documents[0].text;
            assert_eq!(text.get(fact.evidence.span.clone()), Some(fact.evidence.sentence.as_str()));
            assert!(fact.evidence.sentence.contains(&fact.text), "{fact:?}");
        }
        let mut ids: Vec<&str> = self.draft.facts.iter().map(|fact| fact.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), self.draft.facts.len());
        assert_eq!(self.draft.price, self.rules.price);
        let (ReadBy::Rules { cost_micros, .. } | ReadBy::LanguageModel { cost_micros, .. }) = &self.by;
        let answered = i64::try_from(self.server.asked().len()).unwrap();
        assert!(
            *cost_micros == BILL_OF_AN_ANSWER * answered || *cost_micros == 0,
            "{cost_micros} for {answered} answers"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strong_reader_adds_what_the_rules_missed() {
    let read = play(&english(), |_| Some(completion(&strong().to_string(), "stop"))).await;
    read.expect_sound();
    let taken: Vec<&str> = read.checked().taken.iter().map(|own| own.value.as_str()).collect();
    assert!(taken.contains(&STEEL), "{:?}", read.by);
    assert!(read.draft.facts.len() > read.rules.facts.len());
    assert!(read.by.sentence().contains("openai played"), "{}", read.by.sentence());
    let known = read.checked().dropped.iter().filter(|own| own.reason == Dropped::Known).count();
    assert!(known >= 1, "what the rules have is not taken twice: {:?}", read.by);
    assert_eq!(read.server.asked().len(), 1);
    let ReadBy::LanguageModel { cost_micros, .. } = read.by else { panic!("it has read") };
    assert_eq!(cost_micros, BILL_OF_AN_ANSWER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lazy_reader_changes_nothing() {
    let read = play(&english(), |_| Some(completion(r#"{"values": []}"#, "stop"))).await;
    read.expect_sound();
    assert!(read.checked().taken.is_empty());
    assert_eq!(read.draft, read.rules);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verbose_reader_is_read_through_its_prose() {
    let read = play(&english(), |_| {
        let text = format!(
            "<think>{}</think>Of course! Here is what I found:\n```json\n{}\n```\nLet me know!",
            "First the title. ".repeat(50),
            strong()
        );
        Some(completion(&text, "stop"))
    })
    .await;
    read.expect_sound();
    assert!(read.checked().taken.iter().any(|own| own.value == STEEL), "{:?}", read.by);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reader_translates_is_in_no_source() {
    let read = play(CHINESE, |_| {
        let answer = json!({"values": [
            fact("Hand-roasted", "Hand-roasted"),
            fact("125 g in every tin", "每罐净含量125克。"),
        ]});
        Some(completion(&answer.to_string(), "stop"))
    })
    .await;
    read.expect_sound();
    let reasons: Vec<Dropped> = read.checked().dropped.iter().map(|own| own.reason).collect();
    assert_eq!(reasons, [Dropped::SentenceNotFound, Dropped::NotInSentence]);
    assert_eq!(read.draft, read.rules);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_truncating_reader_the_whole_entries_are_used_or_it_is_said() {
    let read = play(&english(), |_| {
        let text = strong().to_string();
        Some(completion(&text[..text.len() - 60], "length"))
    })
    .await;
    read.expect_sound();
    match &read.by {
        ReadBy::Rules { reason, .. } => assert!(reason.contains("cut off"), "{reason}"),
        ReadBy::LanguageModel { checked, .. } => {
            assert!(checked.taken.iter().any(|own| own.field == ReadField::Fact), "{:?}", read.by);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_refuses_is_quoted_and_the_rules_have_read() {
    let read = play(&english(), |_| {
        let body = json!({
            "choices": [{"message": {"content": null, "refusal": "I can't help with shops."},
                "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 300, "completion_tokens": 40},
        });
        Some(Answer::new(200, body.to_string()))
    })
    .await;
    read.expect_sound();
    assert_eq!(read.draft, read.rules);
    assert!(read.by.sentence().contains("I can't help with shops"), "{}", read.by.sentence());
    let ReadBy::Rules { cost_micros, .. } = read.by else { panic!("it has refused") };
    assert_eq!(cost_micros, BILL_OF_AN_ANSWER, "a refusal is billed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reader_invents_is_dropped_and_said_so() {
    let read = play(&english(), |_| {
        let answer = json!({"values": [
            fact("Keeps ice for 48 hours", "Keeps ice for 24 hours."),
            fact("Loved by 50,000 hikers", "Loved by 50,000 hikers."),
            {"field": "price", "kind": "", "value": "$9.99", "source": 1, "sentence": "Price: $39.99"},
            {"field": "brand", "kind": "", "value": "Acme", "source": 1, "sentence": "Trail Bottle"},
        ]});
        Some(completion(&answer.to_string(), "stop"))
    })
    .await;
    read.expect_sound();
    assert!(read.checked().taken.is_empty(), "{:?}", read.by);
    assert_eq!(read.checked().dropped.len(), 4);
    assert_eq!(read.draft, read.rules);
    assert!(read.by.sentence().contains("4 were dropped"), "{}", read.by.sentence());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_server_is_down_the_rules_have_read() {
    let read = play(&english(), |_| Some(Answer::new(503, r#"{"error": {"message": "overloaded"}}"#))).await;
    assert_eq!(read.draft, read.rules);
    let ReadBy::Rules { reason, cost_micros } = &read.by else { panic!("nobody has answered") };
    assert!(reason.contains("overloaded"), "{reason}");
    assert_eq!(*cost_micros, 0);
}
