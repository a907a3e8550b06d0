//! The words of the grammar: currencies, measures, classifiers, magnitudes, qualifiers.

use super::Qualifier;

/// Signs and letters of currencies that stand before or behind an amount, with the ISO 4217 code.
/// Longer ones first where one begins another. `kr` is a crown whose country is not said.
pub(super) const CURRENCY_SIGNS: &[(&str, &str)] = &[
    ("HK$", "HKD"),
    ("US$", "USD"),
    ("CA$", "CAD"),
    ("AU$", "AUD"),
    ("NZ$", "NZD"),
    ("NT$", "TWD"),
    ("SG$", "SGD"),
    ("MX$", "MXN"),
    ("C$", "CAD"),
    ("A$", "AUD"),
    ("S$", "SGD"),
    ("R$", "BRL"),
    ("$", "USD"),
    ("JP¥", "JPY"),
    ("CN¥", "CNY"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("₩", "KRW"),
    ("₹", "INR"),
    ("₱", "PHP"),
    ("฿", "THB"),
    ("₫", "VND"),
    ("₽", "RUB"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₦", "NGN"),
    ("₪", "ILS"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Ft", "HUF"),
    ("lei", "RON"),
    ("Rp", "IDR"),
    ("RM", "MYR"),
    ("Rs.", "INR"),
    ("Rs", "INR"),
    ("Fr.", "CHF"),
    ("kr.", "KR"),
    ("kr", "KR"),
    ("RMB", "CNY"),
    ("Dhs.", "AED"),
    ("Dhs", "AED"),
    ("KSh", "KES"),
    ("лв.", "BGN"),
    ("лв", "BGN"),
];

/// Currency codes that are read in capitals on either side of an amount.
pub(super) const CURRENCY_CODES: &[&str] = &[
    "USD", "EUR", "GBP", "CNY", "HKD", "SGD", "TWD", "JPY", "KRW", "AUD", "CAD", "NZD", "CHF", "SEK", "NOK",
    "DKK", "PLN", "CZK", "HUF", "RON", "INR", "IDR", "MYR", "THB", "PHP", "VND", "BRL", "MXN", "TRY", "ILS",
    "AED", "SAR", "ZAR", "RUB", "UAH",
];

/// Names of currencies behind an amount; `(spelling, code)`.
pub(super) const CURRENCY_WORDS: &[(&str, &str)] = &[
    ("元人民币", "CNY"),
    ("人民币", "CNY"),
    ("新台币", "TWD"),
    ("台币", "TWD"),
    ("美元", "USD"),
    ("美金", "USD"),
    ("港元", "HKD"),
    ("港币", "HKD"),
    ("欧元", "EUR"),
    ("英镑", "GBP"),
    ("日元", "JPY"),
    ("韩元", "KRW"),
    ("澳元", "AUD"),
    ("加元", "CAD"),
    ("新币", "SGD"),
    ("泰铢", "THB"),
    ("卢布", "RUB"),
    ("元", "CNY"),
    ("圆", "CNY"),
    ("块钱", "CNY"),
    ("dollars", "USD"),
    ("dollar", "USD"),
    ("bucks", "USD"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("yuan", "CNY"),
    ("yen", "JPY"),
    ("rupees", "INR"),
];

/// Measures: canonical name, spellings. Spellings in Latin letters stand as whole words, those of
/// one or two letters keep their case; spellings in Han stand directly behind the number.
pub(super) const MEASURES: &[(&str, &[&str])] = &[
    ("percentage point", &["percentage points", "percentage point", "个百分点"]),
    ("%", &["%", "percent", "per cent", "pct"]),
    ("‰", &["‰"]),
    ("second", &["seconds", "second", "secs", "sec", "s", "秒钟", "秒"]),
    ("minute", &["minutes", "minute", "mins", "min", "分钟"]),
    ("hour", &["hours", "hour", "hrs", "hr", "h", "个小时", "小时", "个钟头", "钟头"]),
    ("day", &["days", "day", "天", "日"]),
    ("night", &["nights", "night", "晚", "夜"]),
    ("week", &["weeks", "week", "wks", "wk", "周", "个星期", "星期", "个礼拜"]),
    ("month", &["months", "month", "mos", "mo", "mth", "个月"]),
    ("quarter", &["quarters", "quarter", "个季度", "季度"]),
    ("year", &["years", "year", "yrs", "yr", "周年", "年"]),
    ("°C", &["°C", "℃", "° C", "degrees Celsius", "摄氏度", "度"]),
    ("°F", &["°F", "℉", "° F", "degrees Fahrenheit", "华氏度"]),
    ("°", &["°", "degrees"]),
    ("kilometer", &["kilometers", "kilometres", "kilometer", "kilometre", "km", "公里", "千米"]),
    ("meter", &["meters", "metres", "meter", "metre", "m", "米"]),
    ("centimeter", &["centimeters", "centimetres", "centimeter", "cm", "厘米", "公分"]),
    ("millimeter", &["millimeters", "millimetres", "millimeter", "mm", "毫米"]),
    ("micrometer", &["µm", "μm", "微米"]),
    ("inch", &["inches", "inch", "in.", "英寸", "寸"]),
    ("foot", &["feet", "foot", "ft", "英尺"]),
    ("yard", &["yards", "yard", "yd"]),
    ("mile", &["miles", "mile", "mi", "英里"]),
    ("square meter", &["square meters", "sq m", "m²", "平方米", "平米", "㎡"]),
    ("square foot", &["square feet", "sq ft", "ft²"]),
    ("mu", &["亩"]),
    ("kilogram", &["kilograms", "kilogram", "kilos", "kilo", "kgs", "kg", "公斤", "千克"]),
    ("gram", &["grams", "gram", "g", "克"]),
    ("milligram", &["milligrams", "milligram", "mg", "毫克"]),
    ("microgram", &["micrograms", "mcg", "µg", "μg", "微克"]),
    ("tonne", &["tonnes", "tonne", "tons", "ton", "吨"]),
    ("jin", &["斤"]),
    ("liang", &["两"]),
    ("ounce", &["fl oz", "fl. oz.", "ounces", "ounce", "oz.", "oz", "盎司"]),
    ("pound", &["pounds", "pound", "lbs", "lb", "磅"]),
    ("liter", &["liters", "litres", "liter", "litre", "L", "l", "公升", "升"]),
    ("milliliter", &["milliliters", "millilitres", "milliliter", "ml", "mL", "ML", "毫升"]),
    ("gallon", &["gallons", "gallon", "gal"]),
    ("pint", &["pints", "pint", "pt"]),
    ("kilocalorie", &["kcal", "calories", "calorie", "cal", "千卡", "大卡", "卡路里"]),
    ("kilojoule", &["kJ", "千焦"]),
    ("kilowatt", &["kW", "千瓦"]),
    ("kilowatt hour", &["kWh", "度电"]),
    ("watt hour", &["Wh"]),
    ("watt", &["watts", "watt", "W", "瓦"]),
    ("volt", &["volts", "volt", "V", "伏"]),
    ("milliampere hour", &["mAh", "毫安时", "毫安"]),
    ("hertz", &["Hz", "赫兹"]),
    ("gigahertz", &["GHz"]),
    ("decibel", &["decibels", "dB", "分贝"]),
    ("lumen", &["lumens", "lm", "流明"]),
    ("bar", &["bars", "bar", "巴"]),
    ("pixel", &["pixels", "px", "像素"]),
    ("megapixel", &["megapixels", "MP"]),
    ("kilobyte", &["KB", "kB"]),
    ("megabyte", &["MB"]),
    ("gigabyte", &["GB"]),
    ("terabyte", &["TB"]),
    ("megabit per second", &["Mbps"]),
    ("mile per hour", &["mph"]),
    ("kilometer per hour", &["km/h", "kph"]),
    ("revolution per minute", &["rpm", "转"]),
    ("times", &["times", "x", "×", "倍"]),
    ("tenths of the price", &["折"]),
    ("tenth", &["成"]),
];

/// Measures of time, whose limit may be said without its word: `within 30 days`, `30-day`.
pub(super) const TIMES: &[&str] = &["second", "minute", "hour", "day", "night", "week", "month", "quarter", "year"];

/// Chinese classifiers; longer ones first where one begins another.
pub(super) const CLASSIFIERS: &[&str] = &[
    "人份", "人餐", "人间", "人", "个", "件", "包", "袋", "瓶", "盒", "罐", "杯", "片", "粒", "颗", "枚", "条",
    "支", "枝", "张", "台", "套", "双", "副", "款", "种", "项", "道", "层", "步", "位", "名", "家", "次", "场",
    "节", "课", "集", "期", "批", "城", "省", "国", "区", "级", "星", "号", "版", "代", "页", "本", "册", "字",
    "句", "首", "座", "栋", "间", "房", "株", "棵", "朵", "头", "匹", "辆", "艘", "顿", "餐", "份", "碗", "盘",
    "锅", "桶", "箱", "桌", "票", "单", "笔", "户", "只", "块", "点", "分", "秒", "口", "圈", "根", "把", "轮",
    "封", "车", "季", "卷", "抽", "色", "挡", "档", "孔", "核", "寸", "码", "尺", "对", "打", "枪", "格", "价",
];

/// Multipliers behind digits: `(spelling, factor)`; Latin ones stand glued or as words.
pub(super) const MAGNITUDES: &[(&str, i128)] = &[
    ("百万", 1_000_000),
    ("千万", 10_000_000),
    ("万亿", 1_000_000_000_000),
    ("百", 100),
    ("千", 1_000),
    ("万", 10_000),
    ("亿", 100_000_000),
    ("hundred", 100),
    ("thousand", 1_000),
    ("grand", 1_000),
    ("million", 1_000_000),
    ("mln", 1_000_000),
    ("billion", 1_000_000_000),
    ("bln", 1_000_000_000),
    ("bn", 1_000_000_000),
    ("trillion", 1_000_000_000_000),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("B", 1_000_000_000),
];

/// English number words.
pub(super) const NUMBER_WORDS: &[(&str, i128)] = &[
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
];

/// English words that multiply what stands before them.
pub(super) const SCALE_WORDS: &[(&str, i128)] = &[
    ("dozen", 12),
    ("hundred", 100),
    ("thousand", 1_000),
    ("million", 1_000_000),
    ("billion", 1_000_000_000),
];

/// English words that are a multiple or a part by themselves: numerator, denominator, measure.
pub(super) const PART_WORDS: &[(&str, i128, i128, Option<&str>)] = &[
    ("half", 1, 2, None),
    ("twice", 2, 1, Some("times")),
    ("double", 2, 1, Some("times")),
    ("triple", 3, 1, Some("times")),
    ("thrice", 3, 1, Some("times")),
];

/// Counts without a number; compared as they stand.
pub(super) const VAGUE_WORDS: &[&str] = &["dozens", "hundreds", "thousands", "millions", "billions"];

use Qualifier::{About, AtLeast, AtMost, First, LessThan, MoreThan, Within};

/// Qualifiers before a quantity. Longer ones first where one ends another.
pub(super) const QUALIFIERS_BEFORE: &[(&str, Qualifier)] = &[
    ("no more than", AtMost),
    ("not more than", AtMost),
    ("as much as", AtMost),
    ("as many as", AtMost),
    ("up to", AtMost),
    ("at most", AtMost),
    ("maximum of", AtMost),
    ("maximum", AtMost),
    ("max.", AtMost),
    ("max", AtMost),
    ("less than", LessThan),
    ("fewer than", LessThan),
    ("under", LessThan),
    ("below", LessThan),
    ("within", Within),
    ("no less than", AtLeast),
    ("no fewer than", AtLeast),
    ("at least", AtLeast),
    ("minimum of", AtLeast),
    ("minimum", AtLeast),
    ("min.", AtLeast),
    ("starting at", AtLeast),
    ("starting from", AtLeast),
    ("starts at", AtLeast),
    ("prices from", AtLeast),
    ("as low as", AtLeast),
    ("as little as", AtLeast),
    ("more than", MoreThan),
    ("over", MoreThan),
    ("above", MoreThan),
    ("upwards of", MoreThan),
    ("approximately", About),
    ("approx.", About),
    ("approx", About),
    ("roughly", About),
    ("around", About),
    ("about", About),
    ("circa", About),
    ("nearly", About),
    ("almost", About),
    ("±", About),
    ("≈", About),
    ("~", About),
    ("≥", AtLeast),
    ("≤", AtMost),
    (">", MoreThan),
    ("<", LessThan),
    ("最多可", AtMost),
    ("最高可", AtMost),
    ("不超过", AtMost),
    ("不多于", AtMost),
    ("最多", AtMost),
    ("至多", AtMost),
    ("最高", AtMost),
    ("高达", AtMost),
    ("多达", AtMost),
    ("不到", LessThan),
    ("不足", LessThan),
    ("低于", LessThan),
    ("少于", LessThan),
    ("不少于", AtLeast),
    ("不低于", AtLeast),
    ("至少", AtLeast),
    ("最少", AtLeast),
    ("最低", AtLeast),
    ("低至", AtLeast),
    ("起价", AtLeast),
    ("超过", MoreThan),
    ("多于", MoreThan),
    ("高于", MoreThan),
    ("大于", MoreThan),
    ("逾", MoreThan),
    ("超", MoreThan),
    ("大约", About),
    ("将近", About),
    ("接近", About),
    ("差不多", About),
    ("约", About),
    ("近", About),
    ("the first", First),
    ("first", First),
    ("top", First),
    ("前", First),
    ("首", First),
];

/// Words that end in a qualifier's spelling and are none: `预约3天`, `最近3天`.
pub(super) const NO_QUALIFIERS: &[&str] =
    &["预约", "节约", "契约", "相约", "特约", "签约", "最近", "附近", "靠近", "远近", "高超", "以前", "之前", "目前",
    "当前", "提前", "日前", "眼前", "榜首"];

/// Qualifiers behind a quantity.
pub(super) const QUALIFIERS_BEHIND: &[(&str, Qualifier)] = &[
    ("及以上", AtLeast),
    ("或以上", AtLeast),
    ("以上", AtLeast),
    ("起步", AtLeast),
    ("起", AtLeast),
    ("及以下", AtMost),
    ("以下", AtMost),
    ("封顶", AtMost),
    ("以内", Within),
    ("之内", Within),
    ("内", Within),
    ("左右", About),
    ("上下", About),
    ("or more", AtLeast),
    ("or above", AtLeast),
    ("or over", AtLeast),
    ("and up", AtLeast),
    ("and over", AtLeast),
    ("minimum", AtLeast),
    ("or less", AtMost),
    ("or fewer", AtMost),
    ("or under", AtMost),
    ("maximum", AtMost),
    ("max", AtMost),
    ("tops", AtMost),
];

/// What may not follow `内` and `起` for them to be qualifiers: `3层内胆`, `2只起泡器`.
pub(super) const NO_SUFFIX_BEFORE: &[(char, &str)] =
    &[('内', "胆容部置含饰芯衬里壁馅存裤衣环"), ('起', "来泡床点初飞伏航子司草球")];

/// Verbs that make an amount a reduction, before it.
pub(super) const DISCOUNT_BEFORE: &[&str] = &["save", "立减", "直降", "优惠", "减", "省", "返", "立省", "再减"];

/// Parts of the day before a Chinese clock time, and whether they are its second half.
pub(super) const DAY_PARTS: &[(&str, bool)] = &[
    ("凌晨", false),
    ("清晨", false),
    ("早上", false),
    ("早晨", false),
    ("上午", false),
    ("中午", true),
    ("下午", true),
    ("傍晚", true),
    ("晚上", true),
    ("今晚", true),
    ("夜里", true),
    ("深夜", true),
    ("早", false),
    ("晚", true),
];

/// English month names and their short forms.
pub(super) const MONTHS: &[(&str, &str)] = &[
    ("January", "Jan"),
    ("February", "Feb"),
    ("March", "Mar"),
    ("April", "Apr"),
    ("May", "May"),
    ("June", "Jun"),
    ("July", "Jul"),
    ("August", "Aug"),
    ("September", "Sep"),
    ("October", "Oct"),
    ("November", "Nov"),
    ("December", "Dec"),
];

/// Words that end a noun phrase behind a number.
pub(super) const STOP_WORDS: &[&str] = &[
    "to", "in", "and", "or", "the", "a", "an", "for", "from", "per", "with", "at", "by", "on", "of", "if", "as",
    "is", "are", "was", "were", "than", "that", "which", "when", "but", "after", "before", "until", "over",
    "under", "above", "out", "each", "every", "its", "our", "we", "it", "into", "within", "off", "you", "your",
    "they", "can", "will", "has", "have", "had", "not", "no", "so", "then", "there", "this", "too", "up", "down",
    "later", "ago", "only", "just", "max", "min", "more", "less", "straight", "i", "he", "she", "who", "while",
    "without", "about", "around", "away", "all",
];

/// Nouns that are many without an `s`.
pub(super) const PLURALS: &[&str] =
    &["people", "men", "women", "children", "kids", "feet", "teeth", "mice", "geese", "sheep", "fish", "staff"];

/// Chinese phrases that begin with a numeral and count nothing.
pub(super) const IDIOMS: &[&str] = &[
    "千万别", "千万不", "千万要", "千万记", "万一", "万万", "一般", "一定", "一样", "一起", "一直", "一切", "一些",
    "一点", "一下", "三心二意", "四季", "四周", "四处", "五花", "七上八下", "八卦", "百搭", "百分百", "千层", "万能",
    "万家", "一年四季", "一年到头", "一年之计", "半点", "半句", "半步", "十全", "九宫格", "三明治", "五香", "两边",
    "两侧", "两旁", "百货", "千家", "百家", "千张", "八宝", "三家", "千篇",
];

/// Labels that make a bare number a grade: `SPF 50+` is no fifty of anything.
pub(super) const LABELS: &[&str] =
    &["SPF", "UPF", "IP", "IPX", "PM", "pH", "PH", "USB", "ISO", "DIN", "UN", "RTX", "GTX", "DDR"];
