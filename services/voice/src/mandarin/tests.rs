//! Golden tables of the Mandarin front end.

use spotwright_core::domain::reason::VoiceFault;

use super::*;

/// Lines of advertisements as they are written, and as they are said.
const LINES: [(&str, &str); 76] = [
    ("新品上市，原价199元，现在只要89.9元", "新品上市,原价一百九十九元,现在只要八十九点九元"),
    ("¥9.9包邮", "九点九元包邮"),
    ("￥1,299", "一千二百九十九元"),
    ("¥1.5万", "一点五万元"),
    ("¥20元一杯", "二十元一杯"),
    ("$12.50", "十二点五零美元"),
    ("满200减30，全场8折", "满二百减三十,全场八折"),
    ("全场85折", "全场八五折"),
    ("8.5折起", "八点五折起"),
    ("低至5折", "低至五折"),
    ("细纹减少25%", "细纹减少百分之二十五"),
    ("99.9%纯棉", "百分之九十九点九纯棉"),
    ("3‰", "千分之三"),
    ("5%-10%", "百分之五到百分之十"),
    ("连续用14天", "连续用十四天"),
    ("2盒装", "两盒装"),
    ("2个人，2份餐", "两个人,两份餐"),
    ("2月14日", "二月十四日"),
    ("第2件半价", "第二件半价"),
    ("12个月", "十二个月"),
    ("下午2点", "下午两点"),
    ("2026年11月28日截止", "二零二六年十一月二十八日截止"),
    ("2026-11-28", "二零二六年十一月二十八日"),
    ("2026/3/8", "二零二六年三月八日"),
    ("11月11日晚上8点", "十一月十一日晚上八点"),
    ("晚上8:30开播", "晚上八点三十分开播"),
    ("20:00准时", "二十点准时"),
    ("9:05", "九点零五分"),
    ("双11大促", "双十一大促"),
    ("双12不打烊", "双十二不打烊"),
    ("618狂欢", "六一八狂欢"),
    ("618元", "六百一十八元"),
    ("前100名下单", "前一百名下单"),
    ("销量10万+", "销量十万以上"),
    ("100+款式", "一百多款式"),
    ("好评5000+", "好评五千以上"),
    ("3-5天送达", "三到五天送达"),
    ("3~5天", "三到五天"),
    ("1~2杯", "一到两杯"),
    ("续航40小时", "续航四十小时"),
    ("续航40h", "续航四十小时"),
    ("500ml大容量", "五百毫升大容量"),
    ("1.5L", "一点五升"),
    ("250g", "二百五十克"),
    ("2kg", "两公斤"),
    ("10cm厚", "十厘米厚"),
    ("5000mAh电池", "五千毫安时电池"),
    ("65W快充", "六十五瓦快充"),
    ("-18℃锁鲜", "十八摄氏度锁鲜"),
    ("120㎡", "一百二十平方米"),
    ("3x速度", "三倍速度"),
    ("2×3米", "二乘三米"),
    ("7×24小时", "七乘二十四小时"),
    ("1/3的糖", "三分之一的糖"),
    ("No.1品牌", "第一品牌"),
    ("第1名", "第一名"),
    ("电话010-88886666", "电话零幺零八八八八六六六六"),
    ("热线400-800-1234", "热线四零零八零零幺二三四"),
    ("1000000元", "一百万元"),
    ("10,000份", "一万份"),
    ("20000步", "两万步"),
    ("2000人", "两千人"),
    ("105块", "一百零五块"),
    ("1010", "一千零一十"),
    ("0糖0脂", "零糖零脂"),
    ("007", "零零七"),
    ("3.14", "三点一四"),
    ("３分钟，１杯", "三分钟,一杯"),
    ("5G手机", "五G手机"),
    ("下载App", "下载App"),
    ("USB-C接口", "USB-C接口"),
    ("今天下单 明天到", "今天下单,明天到"),
    ("“好喝！”——小李", "好喝—小李"),
    ("老板，想买好水果？来这里买吧。", "老板,想买好水果?来这里买吧."),
    ("北京、上海、广州", "北京,上海,广州"),
    ("满2件8折", "满两件八折"),
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

/// Texts of any signs do no harm and lose no number.
#[test]
fn every_text_can_be_read() {
    let signs: Vec<char> = "12.,:-/%¥+x×年月日折元个gA 。，\u{3000}²0９～No一不".chars().collect();
    let mut state = 7_u64;
    for _ in 0..5_000 {
        let text: String = (0..12)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                signs[(state >> 33) as usize % signs.len()]
            })
            .collect();
        let said = written_out(&text);
        let digits = said.chars().any(|c| c.is_ascii_digit());
        let latin = text.chars().any(|c| c.is_ascii_alphabetic());
        assert!(!digits || latin, "{text:?} is said as {said:?}");
    }
}

/// The folder that a variable names, or why the test checks nothing.
#[expect(clippy::disallowed_methods, reason = "tests find optional files by the environment")]
fn folder(variable: &str, file: &str) -> Option<std::path::PathBuf> {
    let found =
        std::env::var(variable).ok().map(std::path::PathBuf::from).filter(|path| path.join(file).is_file());
    if found.is_none() {
        println!("SKIPPED: {variable} names no folder with {file}");
    }
    found
}

struct NoLatin;

impl Foreign for NoLatin {
    fn read(&self, word: &str) -> Result<String, Error> {
        Err(Error::Voice(VoiceFault::Words(word.to_owned())))
    }
}

fn symbols(text: &str, dictionary: &Dictionary) -> String {
    let words = words(text, dictionary, &NoLatin).expect("reads");
    words.iter().map(|word| format!("{}{}", word.symbols, word.mark)).collect::<Vec<_>>().join(" ")
}

/// Tones in connected speech, by standard grammars: the words, and the syllables with the tones that are
/// said.
const CONNECTED: [(&str, &str); 34] = [
    ("一杯", "i↘ pei→"),
    ("一个", "i↗ kɤ↘"),
    ("一天", "i↘ tʰjɛ→n"),
    ("第一", "ti↘i→"),
    ("一月", "i→ɥe↘"),
    ("一起", "i↘ʨʰi↓"),
    ("看一看", "kʰa↘nikʰa↘n"),
    ("唯一", "wei↗i→"),
    ("100份", "i↘pai↓ fə↘n"),
    ("199元", "i↘pai↗ʨjou↓ʂɨ↗ʨjou↓ ɥɛ↗n"),
    ("11月11日", "ʂɨ↗i→ ɥe↘ ʂɨ↗i→ ɻɨ↘"),
    ("不是", "pu↗ʂɨ↘"),
    ("不贵", "pu↗kwei↘"),
    ("不好", "pu↘xau↓"),
    ("好不好", "xau↓puxau↓"),
    ("你好", "ni↗xau↓"),
    ("水果", "ʂwei↗kwo↓"),
    ("老板", "lau↗pa↓n"),
    ("减少", "ʨjɛ↗nʂau↓"),
    ("展览馆", "ꭧa↗nla↗nkwa↓n"),
    ("买水", "mai↗ ʂwei↓"),
    ("99.9", "ʨjou↓ʂɨ↗ʨjou↗tjɛ↗nʨjou↓"),
    ("朋友", "pʰə↗ŋjou"),
    ("便宜", "pʰjɛ↗ni"),
    ("孩子", "xai↗ʦɨ"),
    ("喜欢", "ɕi↓xwan"),
    ("我们的", "wo↓mən tɤ"),
    ("香了", "ɕja→ŋ lɤ"),
    ("值得", "ꭧɨ↗tɤ"),
    ("重庆", "ꭧʰʊ↗ŋʨʰi↘ŋ"),
    ("长大", "ꭧa↓ŋta↘"),
    ("银行", "i↗nxa↗ŋ"),
    ("目的", "mu↘ti↘"),
    ("绿色", "ly↘sɤ↘"),
];

#[test]
fn tones_change_in_connected_speech() {
    let Some(models) = folder("SPOTWRIGHT_MODELS", "pypinyin/phrases_dict.json") else { return };
    let dictionary = Dictionary::load(&models.join("pypinyin")).expect("loads");
    // Where words are cut is the dictionary's matter and not this table's.
    let close = |text: &str| text.replace(' ', "");
    let wrong: Vec<String> = CONNECTED
        .iter()
        .filter(|(text, said)| close(&symbols(text, &dictionary)) != close(said))
        .map(|(text, said)| format!("{text}\n  got  {}\n  want {said}", symbols(text, &dictionary)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sentences that another front end, tried with a recogniser, has read: almost every syllable and tone
/// agrees.
#[test]
fn sentences_agree_with_another_front_end() {
    let Some(models) = folder("SPOTWRIGHT_MODELS", "pypinyin/phrases_dict.json") else { return };
    let Some(data) = folder("SPOTWRIGHT_DATA", "voice/zh_phonemes.json") else { return };
    let dictionary = Dictionary::load(&models.join("pypinyin")).expect("loads");
    let file = std::fs::read(data.join("voice/zh_phonemes.json")).expect("a file");
    let sentences: Vec<std::collections::HashMap<String, String>> =
        serde_json::from_slice(&file).expect("sentences");
    let syllables = |symbols: &str| symbols.chars().filter(|c| "→↗↓↘".contains(*c)).count();
    let close = |text: &str| text.chars().filter(|c| !" ,.!?".contains(*c)).collect::<String>();
    let (mut different, mut all) = (Vec::new(), 0);
    for sentence in &sentences {
        // A telephone number is read digit by digit here, and as a range there.
        let (text, theirs) = (&sentence["text"], &sentence["phonemes"]);
        let ours = symbols(text, &dictionary);
        all += 1;
        if close(&ours) != close(theirs) && !text.contains("010-8888") {
            different.push(format!("{text}\n  ours   {ours}\n  theirs {theirs}"));
        }
        assert!(syllables(&ours) > 0);
    }
    assert!(different.len() * 10 <= all, "{} of {all}\n{}", different.len(), different.join("\n"));
}
