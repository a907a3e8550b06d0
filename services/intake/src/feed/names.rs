//! Names of columns and elements: those of Google Merchant Center and common Chinese ones.

/// Names of a field, folded: lowercase without marks.
const FIELDS: [(&str, &[&str]); 17] = [
    (
        "id",
        &[
            "id",
            "sku",
            "itemid",
            "productid",
            "offerid",
            "guid",
            "商品id",
            "商品编号",
            "编号",
            "货号",
            "商品编码",
            "宝贝id",
            "skuid",
        ],
    ),
    (
        "title",
        &[
            "title",
            "name",
            "productname",
            "producttitle",
            "itemtitle",
            "商品名称",
            "商品名",
            "商品标题",
            "标题",
            "名称",
            "产品名称",
            "宝贝标题",
        ],
    ),
    ("brand", &["brand", "manufacturer", "品牌", "品牌名称"]),
    ("category", &["producttype", "googleproductcategory", "category", "类目", "商品类目", "分类", "品类"]),
    (
        "description",
        &[
            "description",
            "summary",
            "content",
            "text",
            "details",
            "描述",
            "商品描述",
            "详情",
            "卖点",
            "商品详情",
        ],
    ),
    ("price", &["price", "regularprice", "价格", "售价", "商品价格", "销售价", "单价"]),
    (
        "sale",
        &["saleprice", "specialprice", "促销价", "活动价", "现价", "券后价", "到手价", "优惠价", "折扣价"],
    ),
    (
        "before",
        &["listprice", "originalprice", "compareatprice", "msrp", "原价", "市场价", "划线价", "吊牌价"],
    ),
    ("currency", &["currency", "pricecurrency", "币种", "货币"]),
    (
        "ends",
        &[
            "salepriceeffectivedate",
            "saleenddate",
            "promotionenddate",
            "活动结束时间",
            "结束时间",
            "截止日期",
            "促销结束",
        ],
    ),
    ("availability", &["availability", "instock", "stockstatus", "库存状态", "状态", "上架状态"]),
    (
        "quantity",
        &[
            "quantity",
            "inventory",
            "stock",
            "stockquantity",
            "selltoonlinequantity",
            "库存",
            "库存数量",
            "可售库存",
        ],
    ),
    (
        "image",
        &["imagelink", "image", "imageurl", "mainimage", "主图", "图片", "图片链接", "主图链接", "商品图片"],
    ),
    ("images", &["additionalimagelink", "additionalimages", "images", "附图", "其他图片", "详情图"]),
    ("link", &["link", "url", "productlink", "producturl", "链接", "商品链接", "落地页", "网址"]),
    ("property", &["material", "color", "size", "材质", "颜色", "尺寸", "规格", "产地"]),
    ("highlight", &["producthighlight", "highlight", "亮点"]),
];

pub(super) fn folded(name: &str) -> String {
    let local = name.rsplit(':').next().unwrap_or(name);
    local.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

pub(super) fn field_of(name: &str) -> Option<&'static str> {
    let folded = folded(name);
    let of = |name: &str| FIELDS.iter().find(|(_, names)| names.contains(&name)).map(|(field, _)| *field);
    // `price_eur` is a price.
    of(&folded).or_else(|| of(without_currency(&folded)?).filter(|field| is_money(field)))
}

fn is_money(field: &str) -> bool {
    matches!(field, "price" | "sale" | "before")
}

/// A folded name without the currency at its end.
fn without_currency(folded: &str) -> Option<&str> {
    CURRENCIES.iter().find_map(|code| folded.strip_suffix(code))
}

/// The currency that the name of a column says.
pub(super) fn currency_of(name: &str) -> Option<String> {
    // A column `售价` without a currency is one of renminbi.
    if name.contains('价') {
        return Some("CNY".to_owned());
    }
    let folded = folded(name);
    let code = CURRENCIES.iter().find(|code| folded.ends_with(**code))?;
    field_of(name).filter(|field| is_money(field)).map(|_| code.to_uppercase())
}

/// Currencies that names of columns end with.
const CURRENCIES: [&str; 8] = ["usd", "eur", "gbp", "cny", "rmb", "cad", "aud", "jpy"];
