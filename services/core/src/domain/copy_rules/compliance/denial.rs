//! Whether a text itself denies what it says.

use std::ops::Range;

use spotwright_schemas::wording::denies;

use super::pack::Language;
use super::views::View;

/// Whether the text itself denies what it says at `at`.
pub(super) fn is_denied(language: Language, view: &View, chars: &[char], at: &Range<usize>) -> bool {
    let before = view.text.get(..at.start).unwrap_or_default();
    let start = before.chars().count();
    let length = view.text.get(at.clone()).map_or(0, |words| words.chars().count());
    if language != Language::Zh {
        let behind: String = chars[start + length..].iter().take(40).collect();
        return denies(chars, &(start..start + length)) || warned_of(before, &behind);
    }
    let behind: String = chars[start + length..].iter().take(14).collect();
    denied_before(before) || denied_behind(&behind)
}

/// A warning against what is said: `beware of …`, `… is a myth`.
fn warned_of(before: &str, behind: &str) -> bool {
    const BEFORE: [&str; 12] = [
        "beware of",
        "beware",
        "watch out for",
        "avoid",
        "ignore",
        "report",
        "steer clear of",
        "be wary of",
        "promise you",
        "promise a",
        "anyone who promises",
        "ads that say",
    ];
    const BEHIND: [&str; 8] = [
        "is a myth",
        "is a scam",
        "are scams",
        "does not exist",
        "doesn't exist",
        "isn't real",
        "sounds too good",
        "is illegal",
    ];
    let clause = before.rsplit(['.', '!', '?', ';']).next().unwrap_or_default().trim_end_matches([' ', '"']);
    let article = |words: &str| clause.trim_end_matches(" a").trim_end_matches(" any").ends_with(words);
    let next = behind.split(['.', '!', '?', ';']).next().unwrap_or_default();
    BEFORE[..8].iter().any(|&words| article(words))
        || BEFORE[8..].iter().any(|&words| clause.contains(words) && clause.contains("no "))
        || BEHIND.iter().any(|&words| next.contains(words))
}

/// A Chinese negation that governs what follows it at once: `不承诺…`, `没有…`, but not `不苦，…`.
fn denied_before(before: &str) -> bool {
    const NEGATIONS: [&str; 66] = [
        "不是",
        "不承诺",
        "不保证",
        "不能",
        "不可",
        "不会",
        "不敢",
        "不说",
        "不做",
        "不作",
        "不具",
        "不代表",
        "不构成",
        "不宣称",
        "不提供",
        "不要信",
        "不该",
        "不吹",
        "不谈",
        "不必",
        "不用",
        "不需要",
        "不再",
        "不保",
        "不押",
        "不劝",
        "没有",
        "没",
        "别信",
        "别",
        "勿",
        "并非",
        "绝非",
        "非",
        "无法",
        "无意",
        "拒绝",
        "谢绝",
        "禁止",
        "从不",
        "绝不",
        "严禁",
        "不等于",
        "不打",
        "不玩",
        "不追求",
        "警惕",
        "谨防",
        "当心",
        "小心",
        "举报",
        "抵制",
        "杜绝",
        "反对",
        "切勿",
        "不得",
        "不存在",
        "从未",
        "未曾",
        "并不",
        "不涉及",
        "不属于",
        "不追",
        "不求",
        "不信",
        "不搞",
    ];
    const FALSE_ONES: [&str; 10] =
        ["不是不", "无不", "非常", "莫非", "无非", "除非", "不只", "不仅", "特别", "是非"];
    let clause: String = before
        .chars()
        .rev()
        .take(9)
        .take_while(|c| !"。!?;:,、\n".contains(*c))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .filter(|c| *c != '"')
        .collect();
    if clause.ends_with('不') && !clause.ends_with("不不") {
        return true;
    }
    if FALSE_ONES.iter().any(|words| clause.contains(words)) || clause.contains("没有比") {
        return false;
    }
    NEGATIONS
        .iter()
        .any(|words| clause.rfind(words).is_some_and(|at| clause[at + words.len()..].chars().count() <= 4))
}

/// A refusal behind: `…无法保证`, `“零风险”这种话…`, `…的不敢说`.
fn denied_behind(behind: &str) -> bool {
    const REFUSALS: [&str; 29] = [
        "不代表",
        "不预示",
        "不构成",
        "不作承诺",
        "不做承诺",
        "不予承诺",
        "无法保证",
        "不保证",
        "这种话",
        "之类的话",
        "不敢说",
        "不敢这么说",
        "的说法",
        "与否",
        "取决于",
        "因人而异",
        "仅供参考",
        "别信",
        "不可信",
        "不靠谱",
        "骗局",
        "陷阱",
        "谎言",
        "违法",
        "不存在",
        "做不到",
        "是假的",
        "的广告",
        "的话术",
    ];
    REFUSALS.iter().any(|words| behind.contains(words))
}
