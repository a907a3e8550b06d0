//! Problems in Chinese: a title and a sentence for every code.
//!
//! The match has no arm for the rest, so a code without its Chinese text does not compile.

use spotwright_schemas::error::Code;

/// The title of a code, and what it means and what to do, in Simplified Chinese.
pub(super) const fn texts(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::BriefUnreadable => ("无法读取简报", "简报文件打不开或读不了，请检查路径和权限。"),
        Code::BriefTooLarge => ("简报过大", "简报超过了大小上限，请精简后再提交。"),
        Code::BriefEncoding => ("简报不是 UTF-8 文本", "请把简报另存为 UTF-8 编码后再提交。"),
        Code::BriefSyntax => ("简报格式有误", "简报不是正确的 YAML 或 JSON，或嵌套过深，请修正后再提交。"),
        Code::BriefShape => ("简报结构不对", "有字段类型不对、不认识、缺失或重复，请按简报格式修正。"),
        Code::BriefValue => {
            ("取值超出范围", "简报中有字段的值超出允许范围，或与别的字段矛盾，请修改该字段。")
        }
        Code::EvidenceMissing => ("缺少证据", "这类事实作出了宣称，必须写明依据的来源。"),
        Code::PlacementUnknown => ("未知的广告位", "广告位不在支持的列表中，请换成列表中的名称。"),
        Code::FactsUnsayable => ("没有可以说的事实", "关于产品的事实都不能在广告中使用，请补充或改写事实。"),
        Code::Letters => ("有无法显示的字符", "文字中有已安装字体画不出的字符，请换用其他字符。"),
        Code::BriefComment => ("注释截断了内容", "简报中的注释吞掉了某个值的一部分，请给该值加上引号。"),
        Code::SourceUnreadable => ("来源无法读取", "来源文件已损坏、加密、为空或没有文字，请换一个来源。"),
        Code::SourceFormat => ("不支持的来源格式", "这种格式的来源无法读取，请换成支持的格式。"),
        Code::SourceTooLarge => ("来源过大", "来源或其解压后的内容超过上限，请缩小后再提交。"),
        Code::AddressRefused => ("地址被拒绝", "程序不会打开这个网址，请使用公网上的 https 地址。"),
        Code::AddressUnreadable => {
            ("地址没有正确应答", "该网址没有应答，或返回的内容不符合要求，请检查后重试。")
        }
        Code::Feed => ("商品数据无法使用", "商品数据中没有商品，或没有所要的那一个，请检查数据源。"),
        Code::PicturePath => ("图片路径不允许", "图片名必须是简报文件夹内的普通相对路径。"),
        Code::PictureUnreadable => ("图片无法读取", "找不到或读不了这张图片，请先上传图片再引用它。"),
        Code::PictureDamaged => {
            ("图片已损坏", "内容不是 JPEG、PNG 或 WebP 图片，或文件已损坏，请重新导出后上传。")
        }
        Code::PictureSize => ("图片尺寸不合要求", "图片的字节数或像素数超出限制，或太小无法展示。"),
        Code::PictureUnusable => ("图片无法使用", "用这张图片做不出能通过质检的视频，请换一张。"),
        Code::PictureAdjusted => {
            ("图片显示有所调整", "图片的底色或颜色在展示时与文件不同，请确认是否可以接受。")
        }
        Code::Option => ("选项无效", "命令行或配置中的选项无效，请按说明修改。"),
        Code::OutputFolder => ("输出文件夹不符", "输出文件夹中是另一次运行，或没有可以继续的运行。"),
        Code::OutputBusy => ("输出文件夹被占用", "另一个进程正在使用这个文件夹，请等它结束。"),
        Code::Prerequisite => ("缺少必要组件", "程序需要的组件没有安装，请先安装。"),
        Code::ServerAddress => ("服务器地址有误", "地址写法不对，或服务器拒绝了登录、名称或证书。"),
        Code::ServerUnreachable => ("服务器没有应答", "配置中的服务器没有应答，请检查网络和服务器。"),
        Code::Table => ("表格无法读取", "表格的编码、分隔符、列或某一行读不了，请修正后再提交。"),
        Code::Trial => ("实验数据无法分析", "实验表格中的单元格、单位、分组或设置有误，请修正后再提交。"),
        Code::Export => ("报表无法读取", "平台报表的列、某一行或对它的说明有误，请修正后再提交。"),
        Code::BudgetExhausted => ("预算已用完", "这次运行的预算已用完，运行已结束。"),
        Code::StepFailed => ("步骤失败", "某个步骤多次尝试后仍然失败，请查看原因。"),
        Code::CallUnknown => ("付费调用结果不明", "一次付费调用的结果未知且查不到，请向供应商核对。"),
        Code::RunCancelled => ("运行已被结束", "工作进行中运行被结束了。"),
        Code::LineRefused => ("修改的文案被拒绝", "改后的文案没有通过检查，请按说明修改。"),
        Code::Untrue => ("没有真实的内容可说", "剩下的脚本都在说商品数据已证明不实的内容，请更新简报。"),
        Code::Store => ("存储暂时不可用", "数据暂时无法读写，请稍后重试。"),
        Code::StoreFormat => ("存储的数据无法识别", "存储的数据不是预期的形式，请联系运营方。"),
        Code::Render => ("渲染失败", "视频渲染或编码失败，请查看原因。"),
        Code::Storyboard => ("分镜无效", "分镜违反了规则，请修改指出的字段。"),
        Code::QualityGate => ("未通过质检", "成片没有通过质量检查，请查看各项结果。"),
        Code::ModelFile => ("模型文件有问题", "模型文件缺失、损坏或版本不对，请重新安装。"),
        Code::ModelInput => ("模型输入无效", "点击模型的输入为空、过长或不是有限数。"),
        Code::LanguageModel => ("语言模型出错", "语言模型的供应商出错，或返回了无法使用的内容。"),
        Code::Market => ("市场拒绝", "市场拒绝了投放计划，或计划本身不可能执行。"),
        Code::Unauthenticated => {
            ("没有有效的凭证", "请求没有有效的 API 密钥或会话，请使用有效的密钥或重新登录。")
        }
        Code::Forbidden => ("没有权限", "凭证有效，但不允许这个操作，请使用具有所需权限的凭证。"),
        Code::NotFound => ("未找到", "这里没有属于你所在组织的内容，请检查路径和编号。"),
        Code::MethodNotAllowed => {
            ("不支持的请求方法", "该地址不接受这个方法，请使用响应头 Allow 列出的方法。")
        }
        Code::RequestShape => ("请求格式有误", "请求的正文、参数或请求头格式不对，请按接口说明修正。"),
        Code::RequestValue => ("取值不被接受", "请求中有一个值超出允许范围，请修改指出的字段。"),
        Code::IdempotencyKey => (
            "缺少可用的 Idempotency-Key",
            "会创建内容的请求需要 Idempotency-Key：1 到 255 个可见 ASCII 字符。",
        ),
        Code::IdempotencyConflict => {
            ("Idempotency-Key 已用于其他请求", "同一个键在 24 小时内已用于别的请求，请换一个新的键。")
        }
        Code::IdempotencyInFlight => {
            ("请求仍在处理中", "使用同一个键的请求正在处理，请稍后重复该请求以取得结果。")
        }
        Code::BodyTooLarge => ("正文过大", "请求正文超过了大小上限，请缩小后再提交。"),
        Code::MediaType => ("媒体类型不被接受", "请求正文的类型不对，请改用该地址接受的类型。"),
        Code::Cursor => ("游标无效", "游标不属于这个列表，请从第一页重新读取。"),
        Code::RateLimited => ("请求过于频繁", "请求太多，请按 Retry-After 稍后重试。"),
        Code::RunState => ("运行的状态不允许", "运行目前的状态不允许这个操作，请先查看运行的状态。"),
        Code::Unavailable => ("服务暂时不可用", "服务现在无法应答，请稍后重试。"),
        Code::Range => ("范围超出文件", "请求的字节范围在文件之外，请按文件长度修改。"),
        Code::Internal => ("内部错误", "服务出现缺陷，请带上请求编号报告。"),
        Code::OrganizationBudget => ("组织预算不足", "组织的剩余预算不够，请提高预算或缩小运行。"),
        Code::BudgetCurrency => ("币种不同", "运行的币种与组织预算的币种不同，请改用组织的币种。"),
        Code::FileLost => ("文件丢失", "文件曾经生成，但现在已丢失，请联系运营方。"),
        Code::Frozen => ("组织已被冻结", "运营方冻结了该组织，其密钥和会话都被拒绝。"),
        Code::LastKey => ("这是最后一个可以创建密钥的密钥", "请先创建另一个具有 keys:admin 权限的密钥。"),
        Code::AssetQuota => ("图片占用空间过多", "组织的图片空间已满，请删除不需要的图片。"),
        Code::LastOwner => ("这是最后一位所有者", "组织必须保留一位所有者，请先把所有者交给别人。"),
        Code::MemberAlready => ("已经是成员", "对方已经是成员，请改为调整其角色。"),
        Code::WebhookQuota => ("Webhook 数量已达上限", "组织的 Webhook 数量已达上限，请删除不需要的。"),
        Code::WebhookState => ("Webhook 的状态不允许", "Webhook 或其消息目前的状态不允许这个操作。"),
        Code::Precondition => {
            ("内容已被他人修改", "自你读取之后内容已变化，请重新读取，并用新的 ETag 再提交修改。")
        }
        Code::SpendCap => {
            ("达到支出上限", "运行已用到下单时设定的支出上限，已完成的内容会保留；要继续请提高上限。")
        }
        Code::ExperimentState => ("实验状态不允许", "实验当前的状态不能执行此操作，请先查看它的状态。"),
        Code::ExperimentMismatch => {
            ("实验分流失衡", "实验各组人数与设定比例不符，不能据此下结论，只能记为无结论。")
        }
        Code::ExperimentArm => ("不能作为实验组", "该变体不属于这次运行、没有成片或已撤下，请换一个变体。"),
        Code::CampaignAd => (
            "不能作为广告投放",
            "该变体不属于这次运行、没有通过质检的成片、已撤下或尚未获批，请先处理或换一个变体。",
        ),
        Code::ContentChanged => {
            ("变体已不是所审阅的内容", "变体在审阅之后有了变化，请重新查看，并按现在的内容作出决定。")
        }
        Code::BrandArchived => ("品牌已归档", "已归档的品牌不能使用也不能修改，请先恢复它，或选择其他品牌。"),
        Code::TooMany => ("数量已达上限", "同类内容的数量已达上限，请先清理不需要的。"),
    }
}

/// What is told most often of a single problem: the English words and the Chinese ones, `{}` for what
/// differs.
const PHRASES: &[(&str, &str)] = &[
    ("there is no such {}", "没有这个内容（{}）"),
    ("there is nothing at this address", "该地址没有内容"),
    ("there is nothing at this address, or not any more", "该地址没有内容，或内容已不再提供"),
    ("must be within {} and {}", "必须在 {} 到 {} 之间"),
    ("must be at most {}", "最大为 {}"),
    ("must be one of {}", "必须是以下之一：{}"),
    ("must be a whole number", "必须是整数"),
    (
        "must be 1 to 80 characters without control characters or outer blanks",
        "必须为 1 到 80 个字符，不含控制字符，首尾没有空白",
    ),
    ("has {} characters; {} to {} are accepted", "有 {} 个字符，允许 {} 到 {} 个"),
    ("holds {} entries; {} to {} are accepted", "有 {} 项，允许 {} 到 {} 项"),
    ("missing field `{}`", "缺少字段 `{}`"),
    ("missing field `{}`{}", "缺少字段 `{}`"),
    ("unknown field `{}`, expected {}", "不认识的字段 `{}`，可用的是 {}"),
    ("unknown field `{}`{}", "不认识的字段 `{}`"),
    ("unknown variant `{}`, expected {}", "不认识的取值 `{}`，可用的是 {}"),
    ("invalid type: {}, expected {}", "类型不对：给出的是 {}，应为 {}"),
    ("something follows the end of the JSON document", "JSON 文档结束之后还有内容"),
    ("the body may have at most {} bytes", "正文最多 {} 字节"),
    ("the scope {} is needed for this", "需要权限 {}"),
    ("this needs the permission {}", "需要权限 {}"),
    (
        "an API key is needed: `Authorization: Bearer sw_live_…`",
        "需要 API 密钥：`Authorization: Bearer sw_live_…`",
    ),
    ("holds no valid API key", "不是有效的 API 密钥"),
    ("the session has ended; sign in again", "会话已结束，请重新登录"),
    ("the address takes {}", "该地址接受的方法是 {}"),
    ("use a method that the header `Allow` lists", "请使用响应头 `Allow` 列出的方法"),
    (
        "was changed since you read it; read it again and send the change with its new `ETag`",
        "读取之后已被修改，请重新读取，并用新的 `ETag` 提交",
    ),
    (
        "is needed: a key of your choice, new for each request and the same when it is repeated",
        "必须提供：自定的键，每个请求用新的，重复请求时用同一个",
    ),
    ("the key has sent more requests than it may per second", "该密钥每秒的请求数超过上限"),
    ("there are {} {}, as many as there may be", "已有 {} 个，达到上限（{}）"),
];

/// The words of a single problem in Chinese, where they are known.
pub(super) fn phrase(message: &str) -> Option<String> {
    PHRASES.iter().find_map(|(english, chinese)| {
        let mut told = String::new();
        let mut pieces = chinese.split("{}");
        told.push_str(pieces.next().unwrap_or_default());
        let mut gaps = gaps(english, message)?.into_iter();
        for piece in pieces {
            told.push_str(gaps.next().unwrap_or_default());
            told.push_str(piece);
        }
        Some(told)
    })
}

/// What stands in the gaps `{}` of a pattern, when a text has its form.
fn gaps<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let gap = match (piece.is_empty(), pieces.peek()) {
            (true, None) => rest.len(),
            // The last piece ends the text.
            (false, None) => rest.strip_suffix(piece)?.len(),
            _ => rest.find(piece)?,
        };
        found.push(&rest[..gap]);
        rest = &rest[gap + piece.len()..];
    }
    rest.is_empty().then_some(found)
}

/// What is wrong this time, in Chinese: what the code means and what to do, and this problem's own words, in
/// English where no Chinese ones are known.
pub(super) fn detail(code: Code, message: &str) -> String {
    let (_, sentence) = texts(code);
    match phrase(message) {
        Some(told) => format!("{sentence}{told}。"),
        None => format!("{sentence}（{message}）"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_han(c: char) -> bool {
        ('\u{4E00}'..='\u{9FFF}').contains(&c)
    }

    #[test]
    fn every_code_has_a_chinese_title_and_sentence_of_its_own() {
        let mut titles = BTreeSet::new();
        for code in Code::ALL {
            let (title, sentence) = texts(*code);
            assert!(title.chars().filter(|c| is_han(*c)).count() >= 2, "{code}: {title}");
            assert!(sentence.chars().filter(|c| is_han(*c)).count() >= 6, "{code}: {sentence}");
            assert!(sentence.ends_with('。') && !title.ends_with('。'), "{code}");
            assert!(titles.insert(title) || *code == Code::RequestValue, "{code}: {title} is another's");
        }
    }

    #[test]
    fn what_is_told_most_often_is_told_in_chinese() {
        for (english, chinese) in [
            ("must be within 1 and 200", "必须在 1 到 200 之间"),
            ("there is no such run", "没有这个内容（run）"),
            ("unknown field `x`, expected `a` or `b`", "不认识的字段 `x`，可用的是 `a` or `b`"),
            ("missing field `name`", "缺少字段 `name`"),
            ("missing field `name` at line 1 column 2", "缺少字段 `name`"),
            ("the scope `runs:read` is needed for this", "需要权限 `runs:read`"),
        ] {
            assert_eq!(phrase(english).as_deref(), Some(chinese));
        }
        for unknown in ["must be within", "something else", "", "there is no"] {
            assert_eq!(phrase(unknown), None, "{unknown}");
        }
        assert!(detail(Code::RequestValue, "something else").ends_with("（something else）"));
        for (english, chinese) in PHRASES {
            let gaps = |text: &str| text.matches("{}").count();
            assert!(gaps(chinese) <= gaps(english), "{english}");
            assert!(chinese.chars().any(is_han), "{english}");
        }
    }
}
