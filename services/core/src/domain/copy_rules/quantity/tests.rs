//! What the grammar reads, compares and shows.

use super::*;

fn shown(text: &str, locale: Locale) -> Vec<&str> {
    parse(text, locale).into_iter().map(|found| &text[found.span]).collect()
}

fn only(text: &str, locale: Locale) -> Quantity {
    let found = parse(text, locale);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found[0].quantity.clone()
}

const EN: Locale = Locale::EnUs;
const ZH: Locale = Locale::ZhCn;

#[test]
fn a_quantity_is_found_with_everything_that_belongs_to_it() {
    for (text, wanted) in [
        ("HK$1,299 for the set of two", vec!["HK$1,299", "two"]),
        ("S$39.90 for the set", vec!["S$39.90"]),
        ("B$5 in Brunei", vec!["B$5"]),
        ("From $1.2k for the studio set", vec!["From $1.2k"]),
        ("1.299,00 € for the set", vec!["1.299,00 €"]),
        ("Just 1.299 €", vec!["1.299 €"]),
        ("1 299 kr with lid", vec!["1 299 kr"]),
        ("CHF 1'299.50 today", vec!["CHF 1'299.50"]),
        ("₹1,00,000 in all", vec!["₹1,00,000"]),
        ("299,- € flat", vec!["299,- €"]),
        ("99 zł", vec!["99 zł"]),
        ("$9.99/mo, cancel any month", vec!["$9.99/mo"]),
        ("$9.99 per month", vec!["$9.99 per month"]),
        ("$18 a bag", vec!["$18 a bag"]),
        ("$5 million raised", vec!["$5 million"]),
        ("$10–12 a head", vec!["$10–12 a head"]),
        ("$10 to $12", vec!["$10 to $12"]),
        ("Up to 50% off everything", vec!["Up to 50% off"]),
        ("Save up to $20 today", vec!["Save up to $20"]),
        ("50+ glazes tested in 2025", vec!["50+ glazes", "2025"]),
        ("At least 3 roasters", vec!["At least 3 roasters"]),
        ("10 to 12 cups", vec!["10 to 12 cups"]),
        ("Keeps 10g-12g of tea", vec!["10g-12g"]),
        ("24/7 help from the workshop", vec!["24/7"]),
        ("4.8/5 in our panel", vec!["4.8/5"]),
        ("4.8 out of 5 in our panel", vec!["4.8 out of 5"]),
        ("A 16:9 screen", vec!["16:9"]),
        ("10×15 cm prints", vec!["10×15 cm"]),
        ("1/2 price on the second mug", vec!["1/2 price"]),
        ("½ off", vec!["½ off"]),
        ("1½ liters", vec!["1½ liters"]),
        ("1 1/2 cups", vec!["1 1/2 cups"]),
        ("Fine at -20 °C", vec!["-20 °C"]),
        ("Fine at −20 °C", vec!["−20 °C"]),
        ("-$5 on Monday", vec!["-$5"]),
        ("2 mugs from $24", vec!["2 mugs", "from $24"]),
        ("Buy 2, get 1 free", vec!["Buy 2, get 1 free"]),
        ("3 for 2 on mugs", vec!["3 for 2"]),
        ("Twelve bags, twenty-five cups", vec!["Twelve bags", "twenty-five cups"]),
        ("Half a dozen eggs", vec!["Half a dozen eggs"]),
        ("A two-year warranty", vec!["two-year warranty"]),
        ("Open at 7:30 a.m. on May 5, 2026", vec!["7:30 a.m.", "May 5, 2026"]),
        ("Until 2026-06-18", vec!["2026-06-18"]),
        ("Fits the V60 and 5G, COVID-19 safe", vec!["V60", "5G", "COVID-19"]),
        ("A 3-in-1 tool", vec!["3-in-1"]),
        ("Call 400-123-4567", vec!["400-123-4567"]),
        ("10M users", vec!["10M users"]),
        ("10m cable", vec!["10m"]),
        ("99¢ each", vec!["99¢ each"]),
        ("Thousands of cups", vec!["Thousands"]),
        ("One tap away, one day", vec![]),
    ] {
        assert_eq!(shown(text, EN), wanted, "{text}");
    }
    for (text, wanted) in [
        ("9.9元起，包邮", vec!["9.9元起"]),
        ("10万只杯子", vec!["10万只"]),
        ("10万+人在用", vec!["10万+人"]),
        ("买2送1", vec!["买2送1"]),
        ("买二送一", vec!["买二送一"]),
        ("满200减30", vec!["满200减30"]),
        ("满199元包邮", vec!["满199元"]),
        ("￥８９．００／两只", vec!["￥８９．００／两只"]),
        ("每月9.9元", vec!["每月9.9元"]),
        ("9.9元/月", vec!["9.9元/月"]),
        ("9块9一只", vec!["9块9一只"]),
        ("3块巧克力", vec!["3块"]),
        ("RMB 199 一套", vec!["RMB 199"]),
        ("最多省50元", vec!["最多省50元"]),
        ("立减20元", vec!["立减20元"]),
        ("48小时内发货", vec!["48小时内"]),
        ("3层内胆", vec!["3层"]),
        ("预约3天后", vec!["3天"]),
        ("约10斤以上", vec!["约10斤以上"]),
        ("10多种口味", vec!["10多种"]),
        ("三天内发货，一杯刚好", vec!["三天内"]),
        ("三分之一的糖", vec!["三分之一"]),
        ("百分之二十的人", vec!["百分之二十"]),
        ("零下20度也能用", vec!["零下20度"]),
        ("-20℃不裂", vec!["-20℃"]),
        ("下午3点，困得睁不开眼", vec!["下午3点"]),
        ("早上七点半", vec!["早上七点半"]),
        ("3点建议", vec!["3点"]),
        ("6月18日开始", vec!["6月18日"]),
        ("2026年6月18日", vec!["2026年6月18日"]),
        ("剩下的第2天就不吃", vec!["第2天"]),
        ("第二件半价", vec!["第二件半价"]),
        ("6罐装，39元", vec!["6罐装", "39元"]),
        ("1200克重", vec!["1200克"]),
        ("2千克装", vec!["2千克"]),
        ("8.5折", vec!["8.5折"]),
        ("10w+人看过", vec!["10w+人"]),
        ("十分好喝，千万别错过", vec![]),
        ("十分钟出餐", vec!["十分钟"]),
        ("四季都能喝，一天的开始", vec![]),
        ("10–12只", vec!["10–12只"]),
        ("1至3年", vec!["1至3年"]),
    ] {
        assert_eq!(shown(text, ZH), wanted, "{text}");
    }
}

#[test]
fn parts_of_a_quantity_have_their_values() {
    let price = only("from HK$1.2k per month", EN);
    assert_eq!(price.value, Value::Number(Number::whole(1_200)));
    assert_eq!(price.currency, Some(Currency("HKD".into())));
    assert_eq!(price.per, Some(Unit::Measure("month")));
    assert_eq!(price.qualifier, Qualifier::AtLeast);
    assert_eq!(only("1.299,00 €", EN).value, Value::Number(Number::whole(1_299)));
    assert_eq!(only("1.299 kg", EN).value, Value::Number(Number::fraction(1_299, 1_000).unwrap()));
    assert_eq!(only("10万只", ZH).value, Value::Number(Number::whole(100_000)));
    assert_eq!(only("两万五千元", ZH).value, Value::Number(Number::whole(25_000)));
    assert_eq!(only("9块9", ZH).value, Value::Number(Number::fraction(99, 10).unwrap()));
    assert_eq!(only("¥99", ZH).currency, Some(Currency("CNY".into())));
    assert_eq!(only("¥99", EN).currency, Some(Currency("JPY".into())));
    assert_eq!(only("零下20度", ZH).value, Value::Number(Number::whole(-20)));
    assert_eq!(only("HK$1,299.50", EN).value, Value::Number(Number::fraction(2_599, 2).unwrap()));
    assert!(only("20% off", EN).discount && only("立减20元", ZH).discount);
}

fn states(fact: &str, line: &str, locale: Locale) -> bool {
    unstated(line, &[fact], locale).is_empty()
}

#[test]
fn quantities_are_compared_and_not_digits() {
    for (fact, line) in [
        ("1,204 reviews", "1204 reviews"),
        ("Twelve bags", "12 bags"),
        ("Ten quiet minutes at the desk", "10 minutes, all yours"),
        ("30-day returns", "Returns for 30 days"),
        ("Shipped within 48 hours", "48-hour shipping"),
        ("Over 50 glazes", "50+ glazes"),
        ("$9.99/mo", "$9.99 a month"),
        ("9/10 people agree", "9 out of 10"),
        ("1/2 price on the second mug", "Half price"),
        ("20 euros", "€20"),
        ("June 18, 2026", "18 June"),
        ("40 drops", "40 careful drops"),
    ] {
        assert!(states(fact, line, EN), "{fact} | {line}: {:?} {:?}", parse(fact, EN), parse(line, EN));
    }
    for (fact, line) in [
        ("Free returns for 30 days", "30 years of returns"),
        ("HK$1,299 for the set", "$1,299"),
        ("HK$1,299 for the set", "S$1,299"),
        ("$1.2k", "$1.2"),
        ("$1.2k", "$1.2 million"),
        ("Up to 50% off", "50% off"),
        ("20% off", "20%"),
        ("20% off", "20 off"),
        ("20% off", "$20 off"),
        ("$20", "$20 off"),
        ("$9.99/mo", "$9.99"),
        ("$24 for the set", "$24 a mug"),
        ("From $24", "$24"),
        ("Orders over $30", "Orders under $30"),
        ("10 to 12 cups", "12 cups"),
        ("24/7 help", "24 hours"),
        ("-20 °C", "20 °C"),
        ("-20 °C", "-20 °F"),
        ("40 new drops", "40 new cups"),
        ("$18", "18"),
        ("7 pm", "7 am"),
        ("7:30", "7:45"),
        ("2 year warranty", "one-year warranty"),
        ("Fits the V60", "Fits the V70"),
        ("", "½ off"),
        ("", "① step"),
        ("", "Thousands of cups"),
        ("Buy 2 get 1 free", "Buy 1 get 2 free"),
        ("3 cups", "three million cups"),
    ] {
        assert!(!states(fact, line, EN), "{fact} | {line}");
    }
    for (fact, line) in [
        ("10万只", "100,000只"),
        ("两只装，89元", "２只装，８９块钱"),
        ("89元", "￥89"),
        ("三天内发货", "3天内发货"),
        ("下午3点", "下午三点"),
        ("晚上8点", "20:00"),
        ("买2送1", "买二送一"),
        ("80%的人", "百分之八十的人"),
        ("48小时内发货", "48小时发货"),
        ("85折", "8.5折"),
        ("八五折", "8.5折"),
    ] {
        assert!(states(fact, line, ZH), "{fact} | {line}: {:?} {:?}", parse(fact, ZH), parse(line, ZH));
    }
    for (fact, line) in [
        ("10万只", "10亿只"),
        ("10万只", "10只"),
        ("89元", "89分"),
        ("89元", "89"),
        ("89元", "89美元"),
        ("9.9元起", "9.9元"),
        ("9.9元起", "9.9元以下"),
        ("买2送1", "买1送2"),
        ("最多省50元", "省50元"),
        ("下午3点", "3点"),
        ("质保3年", "质保一年"),
        ("质保3年", "质保3个月"),
        ("零下20度", "20度"),
        ("6罐装", "6箱装"),
        ("三分之一", "三分之二"),
        ("每月9.9元", "9.9元"),
        ("前8集免费", "8集"),
    ] {
        assert!(!states(fact, line, ZH), "{fact} | {line}");
    }
}

#[test]
fn a_figure_is_shown_whole_or_not_at_all() {
    for (text, wanted) in [
        ("Roasted within 48 hours of shipping", Some("within 48 hours")),
        ("$18 a bag", Some("$18 a bag")),
        ("$18 for a 12 oz bag", Some("$18")),
        ("30-day returns", Some("30-day returns")),
        ("20% off the first order", Some("20% off")),
        ("92% of cups passed", Some("92%")),
        ("4.8 out of 5 in our panel", Some("4.8 out of 5")),
        ("Grown at 1,600 meters", Some("1,600 meters")),
        ("Since 2014", Some("2014")),
        ("6:30, kettle humming", Some("6:30")),
        ("Every batch cupped by 3 roasters before it ships", Some("3 roasters")),
        ("A fresh cup in 3 minutes", Some("3 minutes")),
        ("HK$1,299 for the set of two", Some("HK$1,299")),
        ("2 mugs from $24", Some("2 mugs from $24")),
        ("50+ glazes tested in 2025", Some("50+ glazes")),
        ("3 small bags", Some("3 small bags")),
        ("24/7 help", Some("24/7")),
        ("1/2 price on the second mug", Some("1/2 price")),
        ("40 passed without a chip", None),
        ("No figure here", None),
        ("Fits the V60 dripper", None),
        ("Our 3rd kiln", None),
        ("One of our top 10", None),
        ("Was $40, now $24", None),
        ("Open 8:00–20:00", Some("8:00–20:00")),
        ("$98 instead of $156", Some("$98")),
        ("10-year-old vines", Some("10-year-old vines")),
        ("SPF 50+ all day", None),
    ] {
        assert_eq!(figure(text, EN).as_deref(), wanted, "{text}");
    }
    for (text, wanted) in [
        ("下单后48小时内现烘", Some("48小时内")),
        ("每袋只要 59 元", Some("每袋只要 59 元")),
        ("剩下的第2天就不吃", None),
        ("6罐装，39元", Some("6罐装")),
        ("两只89元", Some("两只89元")),
        ("92%的用户选择回购", Some("92%")),
        ("海拔1600米的产区", Some("1600米")),
        ("9.9元起", Some("9.9元起")),
        ("3烘焙师签字", None),
        ("买2送1", Some("买2送1")),
        ("原价156，现价98", None),
        ("第2杯半价", Some("第2杯半价")),
        ("满3件8折", Some("满3件8折")),
        ("98元4人餐", Some("98元4人餐")),
        ("前8集免费看", Some("前8集")),
    ] {
        assert_eq!(figure(text, ZH).as_deref(), wanted, "{text}");
    }
}

#[test]
fn a_date_in_figures_begins_with_the_day_in_britain_and_with_the_month_in_america() {
    let date = |text: &str, locale: Locale| only(text, locale).value;
    let of = |month: u8, day: u8| Value::Date { year: Some(2026), month: Some(month), day: Some(day) };
    assert_eq!(date("05/06/2026", EN), of(5, 6));
    assert_eq!(date("05/06/2026", Locale::EnGb), of(6, 5));
    for locale in [EN, Locale::EnGb] {
        assert_eq!(date("25/06/2026", locale), of(6, 25));
        assert_eq!(date("06/25/2026", locale), of(6, 25));
    }
}
