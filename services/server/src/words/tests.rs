//! Chinese is Chinese, and what is stored in English is known to it.

use spotwright_core::domain::reason::{ClipReason, FailedCheck, VoiceFault, VoiceReason};
use spotwright_core::domain::routing::Reason;
use spotwright_core::ports::clip_source::{Ability, ClipErrorKind};
use spotwright_render::picture;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::{Color, Palette};
use spotwright_scoring::hot::HotModel;

use super::*;

/// Most words of Latin letters in a row, outside of what is set as code.
fn latin_words_in_a_row(text: &str) -> usize {
    let outside: String = text.split('`').step_by(2).collect::<Vec<_>>().join("。");
    let (mut run, mut most) = (0, 0);
    for word in outside.split_whitespace() {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        let latin = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        run = if latin { run + 1 } else { 0 };
        most = most.max(run);
    }
    most
}

#[test]
fn every_text_of_the_chinese_page_is_chinese() {
    let chinese = serde_json::to_value(Words::of(Locale::ZhCn).page).expect("plain data");
    let english = serde_json::to_value(Words::of(Locale::EnUs).page).expect("plain data");
    for (name, text) in chinese.as_object().expect("an object") {
        let text = text.as_str().expect("a text");
        assert!(latin_words_in_a_row(text) < 3, "{name}: {text}");
        let same = english[name] == text;
        assert!(!same || text.is_empty(), "{name} is left in English: {text}");
    }
    assert!(
        latin_words_in_a_row(english["winners_note"].as_str().expect("a text")) >= 3,
        "the test can fail"
    );
}

#[test]
fn british_pages_are_english() {
    assert_eq!(Words::of(Locale::EnGb).page.winners, "Winners");
}

#[test]
fn what_other_parts_say_in_english_is_known_in_chinese() {
    let words = Words::of(Locale::ZhCn);
    let empty = tempfile::TempDir::new().expect("a folder");
    let model = HotModel::open(empty.path()).expect("the shipped model of hashed features");
    let without_models = model.notice().expect("models are missing");
    let picture = |reason: &str| format!("`cup front.png` is left out: {reason}");
    let remark = |reason: &str| format!("`cup front.png`: {reason}");
    for english in [
        COPY_ENGINE_WROTE.to_owned(),
        without_models,
        picture(picture::NEARLY_BLACK),
        picture(picture::FLAT),
        remark(picture::UNKNOWN_PROFILE),
        remark(picture::WHITE_ON_NOTHING),
    ] {
        let told = (words.stored)(&english);
        assert!(!told.starts_with("系统提示"), "{english} → {told}");
        assert!(latin_words_in_a_row(&told) < 3, "{told}");
        assert_eq!((Words::of(Locale::EnUs).stored)(&english), english);
    }
    // What is not known is quoted, not dropped.
    assert_eq!((words.stored)("Something `new` happened."), "系统提示：`Something 'new' happened.`");
}

#[test]
fn every_kind_of_reason_is_told_in_chinese_and_in_english() {
    let chinese = Words::of(Locale::ZhCn);
    let mut told = Vec::new();
    for reason in voice_reasons() {
        told.push((reason.to_string(), reason.told(Locale::ZhCn)));
    }
    for reason in clip_reasons() {
        told.push((reason.to_string(), reason.told(Locale::ZhCn)));
    }
    for code in Code::ALL {
        let stored = format!("{code} of one.field: something is not as it has to be");
        told.push((stored.clone(), (chinese.losses.reason)(&Failure::of(&stored))));
        assert!((chinese.failure)(&stored).contains(code.as_str()));
    }
    for fault in [ModelFault::Unavailable, ModelFault::Refused, ModelFault::Unusable, ModelFault::Lost] {
        let words = "the server said something";
        told.push((format!("{}{words}", fault.prefix()), (chinese.writers.fault)(Some(fault), words)));
    }
    for (english, chinese) in &told {
        assert!(
            english.len() > 3 && chinese.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)),
            "{chinese}"
        );
        assert!(latin_words_in_a_row(chinese) < 3, "{chinese}");
    }
    assert!(latin_words_in_a_row(&voice_reasons()[0].to_string()) >= 3, "the test can fail");
}

/// One of every kind of reason why a line is not spoken, or otherwise than asked; foreign words in English.
fn voice_reasons() -> Vec<VoiceReason> {
    let words = || "something that somebody else said".to_owned();
    let text = |name: &str| name.to_owned();
    let faults = [
        VoiceFault::File { file: text("models/voice.bin"), words: words() },
        VoiceFault::Model { words: words() },
        VoiceFault::Interrupted { words: words() },
        VoiceFault::Character { character: '龘' },
        VoiceFault::NoVoice { locale: Locale::ZhCn },
        VoiceFault::EnglishOnly,
        VoiceFault::NoWords,
        VoiceFault::SentenceTooLong { sounds: 500, at_most: 400 },
        VoiceFault::ServerAway { words: words() },
        VoiceFault::ServerAnswered { status: 500, words: words() },
        VoiceFault::AnswerTooLong { minutes: 3 },
        VoiceFault::NoSound,
        VoiceFault::BadSound { words: words() },
    ];
    let mut reasons = vec![
        VoiceReason::Faster { percent: 115 },
        VoiceReason::Silent { shot: 2, why: Box::new(VoiceFault::NoWords.into()) },
        VoiceReason::ClipTooShort { shot: 2, clip_frames: 150, line_frames: 180 },
        VoiceReason::AdTooLong { frames: 700, at_most: 600 },
        VoiceReason::OtherVoice { asked: text("af_sky"), locale: Locale::ZhCn, speaks: text("zf_xiaobei") },
        VoiceReason::UsualVoiceMissing { usual: text("zf_xiaobei"), speaks: text("zm_yunxi") },
        VoiceReason::SmallVoice { asked: text("af_heart") },
        VoiceReason::American,
        VoiceReason::NoWordTimes { engine: text("http") },
        VoiceReason::ServerVoice { speaks: text("alloy"), asked: text("af_heart") },
        VoiceReason::NoPronunciations,
    ];
    reasons.extend(faults.into_iter().map(VoiceReason::from));
    let passed_over = |why: &VoiceReason| VoiceReason::PassedOver {
        engine: "kokoro".to_owned(),
        why: Box::new(why.clone()),
    };
    let nobody = VoiceReason::Nobody { passed_over: reasons.iter().map(passed_over).collect() };
    reasons.push(nobody);
    reasons
}

/// One of every kind of reason why a picture stands in for a generated shot; foreign words in English.
fn clip_reasons() -> Vec<ClipReason> {
    let words = || "something that somebody else said".to_owned();
    let kinds = [
        ClipErrorKind::Busy,
        ClipErrorKind::TooFast,
        ClipErrorKind::Unavailable,
        ClipErrorKind::Authentication,
        ClipErrorKind::NoFunds,
        ClipErrorKind::NotAllowed,
        ClipErrorKind::BadRequest,
        ClipErrorKind::Policy,
        ClipErrorKind::UnknownJob,
        ClipErrorKind::BadAnswer,
        ClipErrorKind::Failed,
    ];
    let check = |id: &str| FailedCheck {
        id: id.to_owned(),
        value: "90 frames".to_owned(),
        limit: "at most 20 frames".to_owned(),
    };
    let checks = ["clip_length", "clip_black", "clip_frozen", "clip_sound"].map(check);
    let mut reasons = vec![
        ClipReason::NoSources,
        ClipReason::RunEnded,
        ClipReason::OverBudget,
        ClipReason::NotConfigured,
        ClipReason::SecondPartLate,
        ClipReason::TooLate { seconds: 300 },
        ClipReason::Lost { words: words() },
        ClipReason::NotStored,
        ClipReason::OtherCurrency { price: Currency::USD, budget: Currency::CNY },
        ClipReason::Price { at_most: Micros(2_000_000), left: Micros(1_000_000), currency: Currency::CNY },
        ClipReason::Unusable { words: words() },
        ClipReason::Checks { failed: checks.to_vec() },
        ClipReason::UnlikeProduct { color: 30.0, shape: 0.4, label: 0.2, words: words() },
        ClipReason::Failed { words: words() },
    ];
    reasons.extend(kinds.map(|kind| ClipReason::Source { kind, words: words() }));
    let left_out = [
        Reason::NotWished,
        Reason::Ability { missing: vec![Ability::LastFrame, Ability::Sound] },
        Reason::Length { seconds: 12.0, at_most: 10.0 },
        Reason::Territory { licence: "terms".to_owned(), territories: vec!["EU".to_owned()] },
        Reason::TerritoryUnknown { licence: "terms".to_owned(), excluded: vec!["EU".to_owned()] },
        Reason::Revenue { licence: "terms".to_owned(), limit_usd: 1_000_000 },
        Reason::Refused { message: words() },
        Reason::OtherCurrency { price: Currency::USD, cap: Currency::CNY },
        Reason::Price { at_most: Micros(2_000_000), cap: Micros(1_000_000), currency: Currency::CNY },
        Reason::Deadline { expected_seconds: 90.0, left_seconds: 30.0 },
    ];
    let source = || "kling".to_owned();
    reasons.extend(left_out.map(|why| ClipReason::LeftOut { source: source(), why }));
    let tried = |why: &ClipReason| ClipReason::Tried { source: source(), why: Box::new(why.clone()) };
    let several = ClipReason::Several { reasons: reasons.iter().map(tried).collect() };
    reasons.push(several);
    reasons
}

#[test]
fn an_estimate_is_told_in_the_language_of_the_brief() {
    let told = WorkTold {
        kind: WorkKind::LanguageModel,
        provider: Some("openai"),
        calls: Band { low: 1, expected: 2, high: 3 },
        cost: "0.10",
        basis: Basis::Quote,
    };
    let [english, chinese] = [Locale::EnUs, Locale::ZhCn].map(|locale| &Words::of(locale).estimate);
    assert_eq!((english.work)(&told), "  language model by openai, 1 to 3 times: 0.10 (quote)");
    assert_eq!((chinese.work)(&told), "  语言模型（`openai`），1 至 3 次：0.10，按报价");
    let imported = Imported { ads: 2, impressions: 20_000, clicks: 500 };
    assert!((Words::of(Locale::EnUs).imported)(&imported).contains("20000 impressions and 500 clicks"));
    assert!((Words::of(Locale::ZhCn).imported)(&imported).contains("展示 20000 次，点击 500 次"));
}

#[test]
fn a_picture_that_is_too_long_is_told_with_its_sides() {
    let wide = image::RgbImage::from_pixel(1_000, 100, image::Rgb([90, 120, 150]));
    let mut png = std::io::Cursor::new(Vec::new());
    wide.write_to(&mut png, image::ImageFormat::Png).expect("encodes");
    let imported = picture::import(png.get_ref(), "picture").expect("a picture");
    let palette = Palette { primary: Color { r: 0, g: 0, b: 0 }, accent: Color { r: 255, g: 255, b: 255 } };
    let letters = spotwright_render::Letters::load(&[]).expect("fonts");
    let reason = picture::unusable(&imported, palette, &letters).expect("judged").expect("too long");
    let told = (Words::of(Locale::ZhCn).stored)(&format!("`banner.png` is left out: {reason}"));
    assert_eq!(told, "图片 `banner.png` 没有采用：长边 1000 像素、短边 100 像素，比例过于狭长。");
}

#[test]
fn checks_of_the_gate_are_named_and_measured_without_english() {
    let check = Words::of(Locale::ZhCn).check;
    for (id, value, wanted) in [
        ("frozen", "0.50 s", "静止画面 ✓ 0.50 s"),
        ("safe_zone", "all inside", "安全区 ✓"),
        ("reading_time", "85 % of the shot's time", "阅读时间 ✓ 85%"),
        ("ai_label_time", "at least 2.00 s", "AI 标识时长 ✓ 至少 2.00 s"),
        ("loudness", "-14.02 LUFS", "响度 ✓ -14.02 LUFS"),
        ("stand_in_bytes", "1234", "stand_in_bytes ✓ 1234"),
    ] {
        assert_eq!(check(id, true, value), wanted);
    }
    let failed = Words::of(Locale::ZhCn).losses.failed_check;
    for (id, measured, needed, wanted) in [
        ("black", "1.20 s", "at most 0.20 s", "画面几乎全黑（实测 1.20 s，要求至多 0.20 s）"),
        ("safe_zone", "Caption of shot 0", "inside 22,0–338,600", "文字会被版位上的按钮遮住"),
        (
            "reading_time",
            "120 % of the shot's time",
            "at most 9 Chinese or 21 Latin characters a second",
            "文字太多，展示时间内读不完（实测 120%，要求每秒至多 9 个汉字或 21 个拉丁字符）",
        ),
        (
            "duration",
            "5.000 s",
            "6.000 s, one frame more or less",
            "文件不符合版位要求（实测 5.000 s，要求 6.000 s）",
        ),
    ] {
        assert_eq!(failed(id, measured, needed), wanted);
    }
    assert_eq!((Words::of(Locale::ZhCn).failure)("SW0601 cannot be rendered: x"), "制作失败（SW0601）");
    assert_eq!((Words::of(Locale::EnUs).check)("frozen", false, "2.00 s"), "frozen ✗ 2.00 s");
}

#[test]
fn who_answered_a_question_is_told_in_the_language_of_the_brief() {
    let [english, chinese] = [Locale::EnUs, Locale::ZhCn].map(|locale| Words::of(locale).reply);
    for (reply, in_english, in_chinese) in [
        (Reply::Answered("person"), "answered by a person", "由用户回答"),
        (Reply::Answered("key:01J"), "answered with the API key 01J", "通过 API 密钥 01J 回答"),
        (Reply::DefaultChosen("person"), "default, chosen by a person", "由用户选择默认"),
        (Reply::DefaultChosen("system"), "default, chosen by the program", "由系统选择默认"),
        (Reply::DefaultTaken, "default; nobody answered", "无人回答，按默认处理"),
    ] {
        assert_eq!(english(reply), in_english);
        assert_eq!(chinese(reply), in_chinese);
    }
}

#[test]
fn what_a_run_does_is_told_in_the_language_of_the_brief() {
    let [english, chinese] = [Locale::EnUs, Locale::ZhCn].map(|locale| Words::of(locale).terminal.progress);
    let doing = Doing::Rendering(1, 3, 2);
    assert_eq!(
        english(1, 2, doing),
        "generation 1 of 2: rendering: 1 of 3 finished, 2 did not pass the gate"
    );
    assert_eq!(chinese(1, 2, doing), "第 1 轮，共 2 轮：制作成片 1 / 3，2 条未过质检");
    assert_eq!(chinese(1, 1, Doing::Rendering(1, 3, 0)), "第 1 轮，共 1 轮：制作成片 1 / 3");
    assert_eq!(english(2, 2, Doing::WaitingForApproval(4)), "generation 2 of 2: 4 scripts wait for approval");
}
