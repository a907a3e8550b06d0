//! Export shapes that no sample has: other languages, bytes, preambles, sums and merged cells. Each is read
//! exactly, or asked about.

use encoding_rs::GB18030;
use spotwright_observations::{
    Asked, Given, Observation, Platform, Reading, RefusalReason, SkipReason, export,
};

fn read(bytes: &[u8]) -> Reading {
    export::read(bytes, "a.csv", &Given::default()).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Ad, first day, impressions, the clicks that count, spend in micros.
type Told<'a> = (&'a str, &'a str, u64, u64, i64);

fn assert_told(reading: &Reading, expected: &[Told<'_>]) {
    let told: Vec<(String, String, u64, u64, i64)> = reading
        .observations
        .iter()
        .map(|own: &Observation| {
            (
                own.external_ad_id.clone().or_else(|| own.ad_name.clone()).unwrap_or_default(),
                own.window.map(|window| window.start.to_string()).unwrap_or_default(),
                own.impressions.as_ref().and_then(|own| own.value).unwrap_or_default(),
                own.counted_clicks().and_then(|own| own.value).unwrap_or_default(),
                own.spend_micros.unwrap_or_default(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(ad, day, impressions, clicks, spend)| {
            ((*ad).to_owned(), (*day).to_owned(), *impressions, *clicks, *spend)
        })
        .collect();
    assert_eq!(told, expected, "{:?} {:?} {:?}", reading.refused, reading.asked, reading.unread_columns);
    assert!(reading.refused.is_empty(), "{:?}", reading.refused);
    assert!(reading.unread_columns.is_empty(), "{:?}", reading.unread_columns);
}

fn totals(reading: &Reading) -> usize {
    reading.skipped.iter().filter(|own| own.reason == SkipReason::TotalRow).count()
}

fn asked(reading: &Reading) -> Vec<Asked> {
    reading.asked.iter().map(|own| own.asked).collect()
}

fn utf_16(text: &str) -> Vec<u8> {
    [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn meta_in_korean_with_its_sum_first() {
    let text = "\u{FEFF}보고 시작,보고 종료,일,캠페인 이름,광고 세트 이름,광고 이름,광고 ID,지출 금액 (KRW),노출,링크 클릭,클릭(전체),결과,결과 표시 도구\n\
        2026-09-07,2026-09-08,,,,,,81000,24384,399,520,16,mixed\n\
        2026-09-07,2026-09-07,2026-09-07,가을,넓게,질문,120330001,41000,12480,211,260,9,actions:offsite_conversion\n\
        2026-09-08,2026-09-08,2026-09-08,가을,넓게,질문,120330001,40000,11904,188,260,7,actions:offsite_conversion\n";
    let reading = read(text.as_bytes());
    assert_eq!((reading.source, reading.language, totals(&reading)), (Platform::Meta, Some("ko"), 1));
    assert_told(
        &reading,
        &[
            ("120330001", "2026-09-07", 12_480, 211, 41_000_000_000),
            ("120330001", "2026-09-08", 11_904, 188, 40_000_000_000),
        ],
    );
    assert_eq!(reading.click_column.as_deref(), Some("링크 클릭"), "which clicks count is said");
    assert_eq!(reading.observations[0].currency.as_deref(), Some("KRW"));
    assert_eq!(asked(&reading), [Asked::TimeZone]);
}

#[test]
fn google_in_chinese_as_utf_16_with_a_preamble_and_several_sums() {
    let text = "广告报告\n2026年9月7日 - 2026年9月8日\n\
        天\t广告系列\t广告组\t广告 ID\t广告名称\t货币代码\t展示次数\t点击次数\t互动次数\t费用\t转化次数\n\
        2026-09-07\t秋季\t宽泛\t7001\t提问\tCNY\t\"12,480\"\t211\t230\t\"1,148.60\"\t9.50\n\
        2026-09-08\t秋季\t宽泛\t7001\t提问\tCNY\t\"11,904\"\t188\t200\t980.05\t --\n\
        总计：广告\t --\t --\t --\t --\tCNY\t\"24,384\"\t399\t430\t\"2,128.65\"\t9.50\n\
        总计：账号\t --\t --\t --\t --\tCNY\t\"24,384\"\t399\t430\t\"2,128.65\"\t9.50\n";
    let reading = read(&utf_16(text));
    assert_eq!((reading.source, reading.language, totals(&reading)), (Platform::GoogleAds, Some("zh"), 2));
    assert_told(
        &reading,
        &[
            ("7001", "2026-09-07", 12_480, 211, 1_148_600_000),
            ("7001", "2026-09-08", 11_904, 188, 980_050_000),
        ],
    );
    assert_eq!(reading.observations[1].conversions.as_ref().unwrap().value, None, "a dash is not 0");
    assert_eq!(reading.header_line, 3);
}

#[test]
fn tiktok_in_chinese_as_gbk_with_semicolons_and_two_kinds_of_clicks() {
    let text = "系列名称;广告组名称;广告名称;广告 ID;按天;币种;消耗;展示量;点击量（目标页面）;点击量（全部）;转化量\n\
        秋季;宽泛;提问;1799000000000000001;2026-09-07 00:00:00;CNY;1148.60;12480;211;260;9\n\
        秋季;宽泛;价格;1799000000000000002;2026-09-07 00:00:00;CNY;980.00;11904;188;240;-\n\
        总计;-;-;-;-;CNY;2128.60;24384;399;500;9\n";
    let (bytes, ..) = GB18030.encode(text);
    let reading = read(&bytes);
    assert_eq!((reading.source, reading.language, totals(&reading)), (Platform::TikTok, Some("zh"), 1));
    assert!(reading.form.contains("GB"), "{}", reading.form);
    assert_told(
        &reading,
        &[
            ("1799000000000000001", "2026-09-07", 12_480, 211, 1_148_600_000),
            ("1799000000000000002", "2026-09-07", 11_904, 188, 980_000_000),
        ],
    );
    assert_eq!(reading.click_column.as_deref(), Some("点击量（目标页面）"));
    assert_eq!(reading.observations[0].clicks.len(), 2, "both kinds are kept, one counts");
}

#[test]
fn qianchuan_as_gbk_with_a_sum_that_names_nothing() {
    let text = "推广类型,素材ID,素材名称,日期,消耗(元),展示次数,点击次数,直接成交订单数,直接成交金额(元)\n\
        ,,,,\"3,128.60\",\"24,384\",399,16,\"5,600.00\"\n\
        商品,7100001,开箱,2026-09-07,\"1,148.60\",\"12,480\",211,9,\"3,150.00\"\n\
        直播,7100002,口播,2026-09-07,\"1,980.00\",\"11,904\",188,7,\"2,450.00\"\n\
        商品,7100003,对比,2026-09-07,--,—,0,0,--\n";
    let (bytes, ..) = GB18030.encode(text);
    let reading = read(&bytes);
    assert_eq!((reading.source, totals(&reading)), (Platform::Qianchuan, 1));
    assert_told(
        &reading,
        &[
            ("7100001", "2026-09-07", 12_480, 211, 1_148_600_000),
            ("7100002", "2026-09-07", 11_904, 188, 1_980_000_000),
            ("7100003", "2026-09-07", 0, 0, 0),
        ],
    );
    assert_eq!(
        (reading.observations[2].spend_micros, reading.observations[0].revenue_micros),
        (None, Some(3_150_000_000))
    );
    assert_eq!(reading.time_zone.as_deref(), Some("Asia/Shanghai"));
}

#[test]
fn ocean_engine_s_report_of_materials_has_no_day_and_is_asked() {
    let text = "素材ID,素材名称,素材类型,消耗(元),展示数,点击数,点击率%,转化数,转化数(计费时间)\n\
        7200001,提问,视频,1148.60,12480,211,1.69,9,8\n合计,-,-,1148.60,12480,211,1.69,9,8\n";
    let reading = read(text.as_bytes());
    assert_eq!((reading.source, totals(&reading)), (Platform::OceanEngine, 1));
    assert_eq!(asked(&reading), [Asked::Window]);
    let day = |day| jiff::civil::date(2026, 9, day);
    let window = spotwright_observations::Window { start: day(7), end: day(13) };
    let answered =
        export::read(text.as_bytes(), "a.csv", &Given { window: Some(window), ..Given::default() });
    let answered = answered.unwrap();
    assert_told(&answered, &[("7200001", "2026-09-07", 12_480, 211, 1_148_600_000)]);
    assert!(answered.is_complete());
}

#[test]
fn meta_in_german_with_commas_for_decimals_and_days_first() {
    let text = "Berichtsbeginn;Berichtsende;Tag;Kampagnenname;Anzeigengruppenname;Anzeigenname;Anzeigen-ID;Ausgegebener Betrag (EUR);Impressionen;Link-Klicks;Klicks (alle);Ergebnisse\n\
        07.09.2026;08.09.2026;;;;;;2.128,60;24.384;399;500;16\n\
        07.09.2026;07.09.2026;07.09.2026;Herbst;breit;Frage;120330001;1.148,60;12.480;211;260;9\n\
        08.09.2026;08.09.2026;08.09.2026;Herbst;breit;Frage;120330001;980,00;11.904;188;240;7\n";
    let reading = read(text.as_bytes());
    assert_eq!((reading.source, reading.language, totals(&reading)), (Platform::Meta, Some("de"), 1));
    assert_told(
        &reading,
        &[
            ("120330001", "2026-09-07", 12_480, 211, 1_148_600_000),
            ("120330001", "2026-09-08", 11_904, 188, 980_000_000),
        ],
    );
}

#[test]
fn google_in_french_with_spaces_between_thousands() {
    let text = "Rapport sur les annonces\n7 septembre 2026 - 8 septembre 2026\n\
        Jour,Campagne,Groupe d'annonces,ID de l'annonce,Nom de l'annonce,Code de devise,Impr.,Clics,Coût,Conversions\n\
        2026-09-07,Automne,large,7001,Question,EUR,\"12\u{202F}480\",211,\"1\u{202F}148,60\",\"9,50\"\n\
        2026-09-08,Automne,large,7001,Question,EUR,\"11\u{A0}904\",188,\"980,05\", --\n\
        Total : Annonces, --, --, --, --,EUR,\"24\u{202F}384\",399,\"2\u{202F}128,65\",\"9,50\"\n";
    let reading = read(text.as_bytes());
    assert_eq!((reading.source, reading.language, totals(&reading)), (Platform::GoogleAds, Some("fr"), 1));
    assert_told(
        &reading,
        &[
            ("7001", "2026-09-07", 12_480, 211, 1_148_600_000),
            ("7001", "2026-09-08", 11_904, 188, 980_050_000),
        ],
    );
}

#[test]
fn tiktok_in_japanese_with_its_sum_behind() {
    let text = "キャンペーン名,広告グループ名,広告名,広告ID,日別,通貨,コスト,インプレッション,クリック数（リンク先）,クリック数（すべて）,コンバージョン\n\
        秋,広く,質問,1799000000000000001,2026-09-07,JPY,14860,12480,211,260,9\n\
        秋,広く,質問,1799000000000000001,2026-09-08,JPY,15000,11904,188,240,7\n\
        合計,-,-,-,-,JPY,29860,24384,399,500,16\n";
    let reading = read(text.as_bytes());
    assert_eq!((reading.source, reading.language, totals(&reading)), (Platform::TikTok, Some("ja"), 1));
    assert_told(
        &reading,
        &[
            ("1799000000000000001", "2026-09-07", 12_480, 211, 14_860_000_000),
            ("1799000000000000001", "2026-09-08", 11_904, 188, 15_000_000_000),
        ],
    );
}

#[test]
fn meta_in_thai_and_arabic_is_recognized_by_its_headers() {
    let thai = "วัน,ชื่อแคมเปญ,ชื่อชุดโฆษณา,ชื่อโฆษณา,ID โฆษณา,จำนวนเงินที่ใช้จ่ายไป (THB),อิมเพรสชัน,จำนวนคลิกลิงก์\n\
        2026-09-07,A,B,C,120330001,1148.60,12480,211\n";
    let reading = read(thai.as_bytes());
    assert_eq!((reading.source, reading.language), (Platform::Meta, Some("th")));
    assert_told(&reading, &[("120330001", "2026-09-07", 12_480, 211, 1_148_600_000)]);
    let arabic = "اليوم,اسم الحملة,اسم المجموعة الإعلانية,اسم الإعلان,معرف الإعلان,المبلغ الذي تم إنفاقه (AED),مرات الظهور,النقرات على الرابط\n\
        2026-09-07,A,B,C,120330001,1148.60,12480,211\n";
    let reading = read(arabic.as_bytes());
    assert_eq!((reading.source, reading.language), (Platform::Meta, Some("ar")));
    assert_told(&reading, &[("120330001", "2026-09-07", 12_480, 211, 1_148_600_000)]);
}

#[test]
fn a_language_that_is_not_known_is_asked_for_a_mapping_and_never_guessed() {
    let text = "Dags,Herferð,Auglýsing,Auglýsing ID,Kostnaður,Birtingar,Smellir\n2026-09-07,A,B,1,5,100,3\n";
    let problem = export::read(text.as_bytes(), "a.csv", &Given::default()).unwrap_err();
    assert!(problem.message.contains("mapping"), "{problem}");
}

#[test]
fn days_beside_the_sum_of_the_same_days_are_refused() {
    let text = "Campaign name,Ad set name,Ad name,Ad ID,Reporting starts,Reporting ends,Amount spent (USD),Impressions,Link clicks\n\
        Autumn,broad,A,120330001,2026-09-07,2026-09-08,30.00,300,6\n\
        Autumn,broad,A,120330001,2026-09-07,2026-09-07,10.00,100,2\n\
        Autumn,broad,A,120330001,2026-09-08,2026-09-08,20.00,200,4\n";
    let reading = read(text.as_bytes());
    assert!(
        reading.refused.iter().all(|own| own.reason == RefusalReason::OverlappingWindow),
        "{:?}",
        reading.refused
    );
    let counted: u64 = reading.observations.iter().filter_map(|own| own.impressions.as_ref()?.value).sum();
    assert!(counted <= 300, "no day is counted twice: {:?}", reading.observations);
}
