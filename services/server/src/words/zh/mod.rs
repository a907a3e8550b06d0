//! Simplified Chinese.

mod gate;

use spotwright_api::problem;
use spotwright_core::domain::copy_rules::locale::percent;
use spotwright_core::domain::estimate::{Basis, WorkKind};
use spotwright_core::domain::withdrawal::{Change, Price, Withdrawal};
use spotwright_core::ports::clip_source::{Leavable, LeftAway};
use spotwright_core::ports::language_model::ModelFault;
use spotwright_creative::copy_engine;
use spotwright_creative::critique::{Check, Finding};
use spotwright_render::picture;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;

use self::gate::{check_name, failed_check, measure};
use super::en::{COPY_ENGINE_WROTE, VOICE_NOT_INSTALLED};
use super::{
    ClipMakerTold, ClipWords, Doing, EstimateWords, Failure, GenerationTold, Imported, LossWords, LostAt,
    Page, Plots, Reply, TerminalWords, WhyWords, Words, WorkTold, WriterWords, feed_price,
};
use crate::writers::Shares;

const LOCALE: Locale = Locale::ZhCn;

pub(super) static WORDS: Words = Words {
    locale: LOCALE,
    page: PAGE,
    plots: Plots {
        scatter: "预测点击率与实际点击率",
        trend: "各轮点击率",
        predicted_rate: "预测点击率",
        realized_rate: "实际点击率",
        generation: "轮次",
        click_rate: "点击率",
        scatter_point: |name, predicted, realized| format!("{name}：预测 {predicted}，实际 {realized}"),
        trend_point: |generation, rate| format!("第 {generation} 轮：{rate}"),
    },
    why: WhyWords {
        groups: [
            "标题措辞（参照其他标题的测试）",
            "标题的写法结构",
            "这批受众与那些测试的差异",
            "与本次投放中表现好的标题相近",
            "与本次投放中表现好的文案相近",
            "画面明暗、节奏等观感",
            "自身此前的点击",
            "文案",
        ],
        alike: |likeness, rate, impressions| {
            format!("（相似度 {likeness}，点击率 {rate}，展示 {impressions} 次）")
        },
        happened: |clicks, impressions, predicted, low, high| {
            format!(
                "此后它又获得 {impressions} 次展示、{clicks} 次点击；计入这些数据，模型的预测会变为 \
                 {predicted}（{low} – {high}）。"
            )
        },
        supposed: |impressions, half, double| {
            format!(
                "假如再展示 {impressions} 次：点击只有预测的一半，预测会降到 {half}；点击是预测的两倍，则升到 {double}。"
            )
        },
        told_already: |rival, rate| format!("与 {rival}（预测 {rate}）相比，区间已经不重合，高下可分。"),
        told_after: |at, impressions, rival, rate| {
            format!("若点击率保持 {at}，再展示 {impressions} 次可与 {rival}（预测 {rate}）分出高下。")
        },
        never_told: |at, rival, rate| {
            format!("若点击率保持 {at}，展示再多也无法与 {rival}（预测 {rate}）分出高下。")
        },
    },
    losses: LossWords {
        short: |generation, made, asked| {
            format!("第 {generation} 轮要求 {asked} 条优胜创意，实际产出 {made} 条。")
        },
        ended_before: "没等做出更多，这一轮就结束了。",
        lost,
        not_begun: |missing, asked, reason| {
            let reason = reason.map_or_else(String::new, |reason| format!("，原因：{reason}"));
            format!("计划的 {asked} 轮中有 {missing} 轮没有开始{reason}。")
        },
        finding,
        reason: told_failure,
        failed_check,
    },
    writers: WriterWords {
        fault: model_fault,
        all_failed: |calls, reason| {
            format!(
                "没有一条脚本出自语言模型：{calls} 次调用全部失败，全部文案由内置文案引擎撰写。原因：{reason}。"
            )
        },
        some_failed: |failed, calls, reason| {
            format!(
                "语言模型的 {calls} 次调用中有 {failed} 次失败，对应的脚本由内置文案引擎撰写。原因：{reason}。"
            )
        },
        bill: |amount, less| {
            if less {
                format!("这些失败的调用，服务商计费不足 {amount}。")
            } else {
                format!("这些失败的调用，服务商共计费 {amount}。")
            }
        },
        dropped: finding,
        none_used: |proposed, reason| {
            let why = reason.map_or_else(String::new, |reason| format!("第一条落选的原因：{reason}。"));
            format!("没有一条脚本用到语言模型的文案：它给出 {proposed} 条，最终全部由内置文案引擎撰写。{why}")
        },
        shares: |shares| {
            let Shares { scripts, own, lines, own_lines, models } = shares;
            let models = models.join("、");
            if own == scripts && own_lines == lines {
                return format!("全部 {scripts} 条脚本由 {models} 撰写。");
            }
            format!(
                "{scripts} 条脚本中有 {own} 条用了 {models} 的文案：{lines} 句中的 {own_lines} 句。\
                 其余由内置文案引擎撰写。"
            )
        },
    },
    clips: ClipWords {
        made: |made, asked, cost| format!("共需 {asked} 个生成镜头，完成 {made} 个，花费 {cost}。"),
        maker: |told: &ClipMakerTold<'_>| {
            let ClipMakerTold { source, model, licence, clips, from_library } = told;
            let known = match from_library {
                0 => String::new(),
                count => format!("，其中 {count} 个是此前已有的"),
            };
            format!("`{source}` 用 `{model}`（`{licence}`）制作了 {clips} 个{known}。")
        },
        without: |source, what, clips| {
            let what = left_away(what);
            format!("`{source}` 不支持{what}，有 {clips} 个镜头没有用上。")
        },
        left_away: |left| {
            let one = |left: &LeftAway| match left.names.as_slice() {
                [] => left_away(left.what).to_owned(),
                names => format!("{}（`{}`）", left_away(left.what), names.join("`、`")),
            };
            format!("未采用：{}", left.iter().map(one).collect::<Vec<_>>().join("、"))
        },
        fell_back: |clips, why| format!("{clips} 个生成镜头改用了实拍图片，原因：{why}。"),
        tried: |source, why| format!("`{source}`：{why}"),
        unfinished: |clips| format!("{clips} 个生成镜头没有等到：投放先行结束。"),
        library: "，此前已有",
        picture: "实拍图片",
        not_waited_for: "没有等到",
    },
    terminal: TerminalWords {
        generation: |row: &GenerationTold<'_>| {
            format!(
                "第 {} 轮：{} 条创意，投放 {} 条，预测点击率 {}，实际点击率 {}（模拟），媒体花费 {}",
                row.index, row.variants, row.placed, row.predicted, row.clicked, row.media
            )
        },
        clicks_of: |clicks, impressions| format!("展示 {impressions} 次，点击 {clicks} 次"),
        launch_pack: "投放包：",
        note: "提示：",
        ended_early: "本次运行提前结束：",
        end: |seconds, report| format!("用时 {seconds:.1} 秒，打开报告：{report}"),
        progress,
    },
    percent: |share| percent(share, LOCALE),
    place: |place, generation| format!("第 {place} 名 · 第 {generation} 轮"),
    media_of: |budget| format!("媒体花费，预算 {budget}"),
    times_shown: |times| format!("{times} 次"),
    converted: |clicks, conversions| format!("{clicks} 次，其中转化 {conversions} 次"),
    each_click: |spend, each| format!("{spend}，单次点击 {each}"),
    from_level: |level| {
        format!("以 {level} 为起点，即当时所知的本项目平均水平。各项单位为对数几率，+0.10 约等于点击多一成。")
    },
    believed: |pcoc, error, chance| {
        format!(
            "投放前预计的点击数除以实际点击数，即 PCOC，1.00 为完全准确。全部轮次合计 {pcoc}；期望校准误差为点击率的 \
             {error} 倍，其中 {chance} 倍可归于随机波动。预计与实际相差一成以上、且超出随机波动时报警，差距回落到半成以内时解除。"
        )
    },
    reply,
    lesson: |clicks, impressions| format!("（展示 {impressions} 次，点击 {clicks} 次）"),
    role: |role| match role {
        Role::Hook => "开头",
        Role::Body => "正文",
        Role::Proof => "佐证",
        Role::Cta => "行动号召",
    },
    objective,
    state,
    failure: |stored| match Failure::of(stored).code {
        Some(code) => format!("制作失败（{code}）"),
        None => "制作失败".to_owned(),
    },
    imported: |imported: &Imported| {
        let Imported { ads, impressions, clicks } = imported;
        format!(
            "采用了真实平台的数据：该产品的 {ads} 条广告，展示 {impressions} 次，点击 {clicks} 次。\
             这些方向以真实数据为准，模拟结果不计入。"
        )
    },
    estimate: EstimateWords {
        total: |currency, band, cap| format!("预计花费 {band} {currency}，最多不超过 {cap}。"),
        band: |low, high, expected| format!("{low} 至 {high}（期望 {expected}）"),
        work: |told: &WorkTold<'_>| {
            let WorkTold { kind, provider, calls, cost, basis } = told;
            let what = match kind {
                WorkKind::LanguageModel => "语言模型",
                WorkKind::Clips => "生成镜头",
                WorkKind::Renders => "渲染",
                WorkKind::Media => "媒体投放",
            };
            let basis = match basis {
                Basis::Quote => "按报价",
                Basis::Measured => "按实测",
                Basis::Budget => "按预算",
            };
            let who = provider.map_or_else(String::new, |name| format!("（`{name}`）"));
            let calls = if calls.low == calls.high {
                calls.low.to_string()
            } else {
                format!("{} 至 {}", calls.low, calls.high)
            };
            format!("  {what}{who}，{calls} 次：{cost}，{basis}")
        },
        reaches_cap: "投放之前的制作就可能用完这笔钱，运行可能提前结束。",
    },
    withdrawal,
    decision: |stored| {
        match stored {
            "promoted" => "晋级",
            "held" => "保持",
            "stopped" => "停投",
            other => other,
        }
        .to_owned()
    },
    check: |id, pass, value| {
        let value = measure(value);
        let space = if value.is_empty() { "" } else { " " };
        format!("{} {}{space}{value}", check_name(id), if pass { "✓" } else { "✗" })
    },
    provider: |name| match name {
        copy_engine::PROVIDER => "内置文案引擎".to_owned(),
        other => other.to_owned(),
    },
    stored,
    voice: |voice| {
        let mut told = if voice.spoken_lines == 0 {
            "优胜广告都没有配音。".to_owned()
        } else {
            format!("优胜广告共有 {} 句配音，由 {} 朗读。", voice.spoken_lines, voice.speakers.join("、"))
        };
        if voice.silent_lines > 0 {
            told.push_str(&format!("另有 {} 句没有配音。", voice.silent_lines));
        }
        for why in &voice.why {
            told.push_str(&format!("原因：{}。", why.told(LOCALE)));
        }
        told
    },
    log_of_earlier_version: |generation| format!("展示日志缺少第 {generation} 轮：这一轮由旧版本程序投放。"),
    log_differs: |generation| {
        format!("展示日志缺少第 {generation} 轮：市场模拟已更新，重放结果与当时不一致。")
    },
};

const PAGE: Page = Page {
    title: "Spotwright 投放报告",
    simulated: "模拟市场",
    by: "",
    clicked_best: "最佳视频的点击率",
    generations: "轮迭代",
    drafted: "条创意写成并评分",
    placed_winners: "条优胜创意投放",
    unspent: "未花费",
    ended_early: "本次运行提前结束。",
    winners: "优胜创意",
    winners_note: "按实际点击率从高到低排列；点击率已向整体均值收缩，样本少的创意不会靠几次偶然点击排到前面。点击播放，看到的就是成片。",
    video: "视频 ",
    rate_interval: "点击率 · 90% 区间",
    never_shown: "未获得展示",
    predicted: "预测",
    shown: "展示",
    clicks: "点击",
    cost: "花费",
    bred_from: "源自",
    note: "备注",
    worn_out: "创意疲劳：对同一批人展示过多",
    script: "脚本，以及每句话的依据",
    stand_in: "（原定模型调用失败，由此替补）",
    published: "发布文案：",
    why: "模型为什么这样预测",
    most_alike: "此前展示过的创意中与它最接近的：",
    comma: "、",
    stop: "。",
    ladder: "流量阶梯与质检",
    rung: "档位",
    beats: "胜过中位数的概率",
    decision: "结果",
    gate: "质检：",
    audience_did: "受众的反应",
    audience_note: "圆点为估计值，竖线为 90% 区间。同一次运行的两轮之间不是对照实验：预算、流量和运气都不相同。",
    trend_caption: "每一轮全部优胜创意的点击率。",
    scatter_caption: "每条优胜创意：横轴为投放前的预测，纵轴为实际点击率及其 90% 区间。落在虚线上表示二者一致；颜色代表轮次。",
    generation: "轮次",
    variants: "创意数",
    placed: "投放",
    click_rate: "点击率",
    interval: "90% 区间",
    conversions: "转化",
    media_cost: "媒体花费",
    believed: "预测有多可信",
    promised: "预计点击",
    alarm: "偏移报警",
    quiet: "无",
    raised: "触发",
    held: "持续",
    alarm_stands: "偏移报警未解除：本次运行的预测点击率只能用来比较优胜创意的先后，不能当作实际点击率。",
    learnt: "这次学到了什么",
    asked: "提问与回答",
    asked_note: "关于简报问了什么、按什么继续、由谁决定。回答会作为本次运行的一条事实。",
    question: "问题",
    answer: "回答或默认做法",
    who: "由谁决定",
    money: "费用",
    budget: "预算",
    media: "媒体",
    production: "制作（语言模型、渲染）",
    not_spent: "未花费",
    generated: "生成镜头",
    generated_note: "向视频模型要了什么、由谁制作，以及哪些镜头改用了广告主自己的图片。多条视频共用的镜头只制作一次、只付一次钱。",
    prompt: "画面要求",
    shown_in: "所在视频（镜头）",
    made_by: "制作方",
    remarks: "说明",
    all_variants: "全部创意",
    variant: "编号",
    hook: "开头",
    direction: "方向",
    appeal: "吸引力",
    state: "状态",
    how_to_read: "如何阅读本报告",
    simulated_title: "受众是模拟的。",
    simulated_note: "展示、点击、转化和价格都来自内置的市场模拟。模拟受众有自己的偏好，创意系统和点击模型都看不到。这些数字用来说明整个流程如何运转、哪些想法值得一试，不能当作真实投放的预告。",
    ai_title: "由 AI 制作。",
    ai_note: "每条视频开头都有可见标识，文件内带有机器可读的标识。每句宣传都以简报中的事实为依据，证据由广告主提供。",
    run: "运行",
    seed: "随机种子",
    click_model: "点击模型",
    audience: "受众",
    files: "。完整过程见 `trace.jsonl`，各项数字见 `winners.json`、`explanations.json` 和 `market.json`，市场的每次决定见 `impressions.parquet`。",
};

fn withdrawal(why: &Withdrawal) -> String {
    let price = |price: Option<&Price>| feed_price(price, "未标价");
    let what = match &why.change {
        Change::Price { old, new } => {
            format!("价格原为 {}，现为 {}", price(Some(old)), price(new.as_ref()))
        }
        Change::PriceBefore { old, new } => {
            format!("划线价原为 {}，现为 {}", price(Some(old)), price(new.as_ref()))
        }
        Change::Ends { old, new } => {
            format!("截止日期原为 {old}，现为 {}", new.as_deref().unwrap_or("未注明"))
        }
        Change::SoldOut => "已售罄".to_owned(),
        Change::Removed => "已不在商品数据中".to_owned(),
    };
    let says =
        if why.line.is_empty() { String::new() } else { format!("文案仍写着“{}”。", why.line) };
    let product = if why.title.is_empty() { &why.product } else { &why.title };
    format!("已撤下：{product}，{what}（{}）。{says}", why.source)
}

fn lost(stage: LostAt, lost: usize, reason: Option<&str>) -> String {
    let what = match stage {
        LostAt::Writing => "条脚本没能写成",
        LostAt::Preview => "条预览没能做出",
        LostAt::Scoring => "条预览没能评分",
        LostAt::Final => "条成片没能做出",
        LostAt::Gate => "条成片没有通过质检",
        LostAt::Feed => "条创意因商品数据变化被撤下",
    };
    match (reason, lost) {
        (None, _) => format!("有 {lost} {what}。"),
        (Some(reason), 1) => format!("有 1 {what}，原因：{reason}。"),
        (Some(reason), _) => format!("有 {lost} {what}，第一条的原因：{reason}。"),
    }
}

/// What went wrong, by its code, and the program's own words behind it, as far as they are English set off as
/// such.
fn told_failure(failure: &Failure<'_>) -> String {
    let own = || machine(&failure.plain());
    match failure.code {
        Some(code) => {
            let phrase = problem::chinese_phrase(&failure.plain()).unwrap_or_else(own);
            format!("{}（{code}）：{phrase}", problem::chinese_title(code))
        }
        None => own(),
    }
}

/// What a language model failed with, and its own words.
fn model_fault(fault: Option<ModelFault>, words: &str) -> String {
    let told = match fault {
        Some(ModelFault::Unavailable) => "服务暂时不可用",
        Some(ModelFault::Refused) => "服务拒绝了请求",
        Some(ModelFault::Unusable) => "应答无法使用",
        Some(ModelFault::Lost) => return "调用中断，结果无从查询，按已花费计".to_owned(),
        None => return machine(words),
    };
    format!("{told}：{}", machine(words))
}

/// A message of the program, which is in English: quoted as what it is.
fn machine(message: &str) -> String {
    format!("`{}`", message.replace('`', "'"))
}

/// What the critique objects to, by the stable name of its rule.
fn finding(finding: &Finding) -> String {
    let told = match finding.rule.as_str() {
        "roles" => "脚本应以开头句起、以行动号召收",
        "locale" => "脚本语言与简报不一致",
        "primary_text_length" => "发布文案的长度不合要求",
        "length" => "文字超出版面可容纳的字数",
        "characters" => "文字含有控制字符，或首尾有空格",
        "empty_caption" => "字幕为空",
        "unknown_fact" => "引用了简报里没有的事实",
        "no_evidence" => "所依据的事实有宣称而没有证据",
        "number_not_in_facts" => "数字在所依据的事实里找不到",
        "banned_word" => "含有品牌不希望出现的词",
        "same_text" => "与另一条脚本完全相同",
        "near_duplicate" => "开头与另一条脚本过于相似",
        "undrawable" => "含有字体画不出的字符",
        "caption_used" => "这句话已经用过",
        "shared_lines" => "有多句话与另一条脚本相同",
        "foreign_address" => "出现了不属于该品牌的网址、号码、账号或商标",
        "product_unnamed" => "前几个镜头没有出现产品名",
        "must_say" => "缺少必须出现的文字",
        "offer_missing" => "没有出现价格或优惠",
        "reading_time" => "字幕太多，来不及读完",
        _ => match finding.check {
            Check::Compliance => "用语不符合广告法规",
            Check::Brand => "不符合品牌要求",
            Check::Duplicate => "与其他脚本重复",
            Check::Grounding => "内容缺少依据",
            Check::Schema => "脚本格式不合要求",
        },
    };
    if finding.subject.is_empty() {
        told.to_owned()
    } else {
        format!("{told}（{}）", machine(&finding.subject))
    }
}

fn objective(name: &str) -> String {
    match name {
        "clicks" => "目标：点击",
        "conversions" => "目标：转化",
        "installs" => "目标：安装",
        "leads" => "目标：留资",
        "orders" => "目标：下单",
        "bookings" => "目标：预约",
        "sign_ups" => "目标：注册",
        "store_visits" => "目标：到店",
        "plays" => "目标：试玩或观看",
        "follows" => "目标：关注",
        other => other,
    }
    .to_owned()
}

fn state(name: &str) -> String {
    match name {
        "drafted" => "已写稿",
        "previewed" => "已出预览",
        "scored" => "已评分",
        "selected" => "已入选",
        "rendered" => "已出成片",
        "won" => "优胜",
        "rejected" => "质检未过",
        "failed" => "制作失败",
        "withdrawn" => "已撤下",
        other => other,
    }
    .to_owned()
}

/// Sentences that other parts of the program say in English, by their words.
fn stored(sentence: &str) -> String {
    if sentence == COPY_ENGINE_WROTE {
        return "文案由内置文案引擎根据简报中的事实撰写，没有调用语言模型。".to_owned();
    }
    if sentence == VOICE_NOT_INSTALLED {
        return "未安装配音文件，广告只有字幕和音乐；运行 `./infra/setup.sh` 可安装。".to_owned();
    }
    if let Some((file, remark)) = sentence.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        if let Some(told) = about_picture(remark) {
            return format!("图片 `{file}` {told}");
        }
    }
    let mut told = String::new();
    if sentence.contains("hashed text features") {
        told.push_str("未安装标题文本模型，评分改用简单的文字特征，对标题的排序会差一些；运行 `./infra/setup.sh` 可安装。");
    }
    if sentence.contains("no multilingual text model") {
        told.push_str("未安装多语言文本模型，中文由为英文训练的模型评分；运行 `./infra/setup.sh` 可安装。");
    }
    if told.is_empty() { format!("系统提示：{}", machine(sentence)) } else { told }
}

/// What is remarked of a picture when it is read; `None` for words that are not known here.
fn about_picture(remark: &str) -> Option<String> {
    let tells = |known: &str| remark.ends_with(known);
    if !remark.starts_with(" is left out: ") {
        return if tells(picture::UNKNOWN_PROFILE) {
            Some("的色彩配置文件无法使用，颜色可能有出入，建议另存为 sRGB。".to_owned())
        } else if tells(picture::WHITE_ON_NOTHING) {
            Some("是透明底上的白色图案，已改放在深色底上。".to_owned())
        } else {
            None
        };
    }
    let reason = if tells(picture::NEARLY_BLACK) {
        "几乎全黑，请换一张亮一些的".to_owned()
    } else if tells(picture::FLAT) {
        "几乎是纯色，做成视频会像静止画面".to_owned()
    } else {
        let sides = remark.split_once("its sides are ")?.1;
        let mut sides = sides.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        let (long, short) = (sides.next()?, sides.next()?);
        format!("长边 {long} 像素、短边 {short} 像素，比例过于狭长")
    };
    Some(format!("没有采用：{reason}。"))
}

/// What is going on, for people.
fn progress(generation: u32, of: u32, doing: Doing) -> String {
    let what = match doing {
        Doing::ChoosingDirections => "选择方向".to_owned(),
        Doing::WritingScripts => "撰写脚本".to_owned(),
        Doing::WaitingForAnswers => "等待回答".to_owned(),
        Doing::WaitingForApproval(scripts) => format!("{scripts} 条脚本等待确认"),
        Doing::Scoring(scored, total) => format!("预览评分 {scored} / {total}"),
        Doing::ChoosingVariants => "挑选创意".to_owned(),
        Doing::Rendering(made, wanted, 0) => format!("制作成片 {made} / {wanted}"),
        Doing::Rendering(made, wanted, rejected) => {
            format!("制作成片 {made} / {wanted}，{rejected} 条未过质检")
        }
        Doing::Playing => "市场投放中".to_owned(),
        Doing::Learning => "从受众反馈中学习".to_owned(),
        Doing::Finished => "完成".to_owned(),
    };
    format!("第 {generation} 轮，共 {of} 轮：{what}")
}

/// What a source of clips does not take.
const fn left_away(what: Leavable) -> &'static str {
    match what {
        Leavable::Pictures => "全部参考图",
        Leavable::NegativePrompt => "反向提示词",
        Leavable::Sound => "自带声音",
        Leavable::Seed => "指定随机种子",
    }
}

/// Who answered a question, or that its default was taken.
fn reply(reply: Reply<'_>) -> String {
    let who = |by: &str| match by.split_once(':') {
        Some(("key", id)) => format!("通过 API 密钥 {id} "),
        _ if by == "person" => "由用户".to_owned(),
        _ => "由系统".to_owned(),
    };
    match reply {
        Reply::Answered(by) => format!("{}回答", who(by)),
        Reply::DefaultChosen(by) => format!("{}选择默认", who(by)),
        Reply::DefaultTaken => "无人回答，按默认处理".to_owned(),
    }
}
