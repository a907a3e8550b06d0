//! Tones in connected speech: 一, 不, third tones, and syllables that lose theirs.

use super::syllable::Syllable;

/// A syllable in its sentence.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) sign: char,
    pub(super) syllable: Syllable,
    /// Number of the word that it belongs to.
    pub(super) word: usize,
    /// Whether the word is a number.
    pub(super) number: bool,
}

/// Particles without a tone wherever they stand at a word's end.
const PARTICLES: &str = "的了着们吗吧呢嘛";
/// Words whose second syllable has no tone.
const LIGHT: &str = "朋友 东西 时候 孩子 喜欢 便宜 衣服 先生 太太 知道 明白 漂亮 舒服 清楚 意思 认识 告诉 关系 事情 地方 \
    头发 耳朵 眼睛 鼻子 嘴巴 豆腐 葡萄 点心 馒头 石头 骨头 木头 拳头 舌头 枕头 甜头 师傅 老婆 大夫 客气 脾气 力气 消息 休息 \
    凉快 暖和 热闹 麻烦 打扮 打听 商量 收拾 怎么 什么 那么 这么 要么 多么 胳膊 脑袋 指甲 窗户 钥匙 生意 本事 月亮 云彩 妈妈 \
    爸爸 哥哥 姐姐 弟弟 妹妹 奶奶 爷爷 宝宝 叔叔 姑姑 舅舅 太阳 厉害 合适 精神 新鲜 柴火 苗条 利索 扎实 结实 实在 痛快 爽快 \
    大方 干净 利落 迷糊 糊涂 含糊 机灵 活泼 勤快 亲戚 丈夫 媳妇 闺女 咱们 我们 你们 他们 她们 它们 人们 行李 包袱 被子 裤子 裙子 \
    帽子 鞋子 袜子 桌子 椅子 杯子 瓶子 盒子 袋子 箱子 盘子 筷子 勺子 刀子 房子 车子 日子 样子 面子 肚子 鼻子 脖子 嗓子 身子 包子 \
    饺子 粽子 橘子 柿子 栗子 李子 桃子 瓜子 粒子 孙子 儿子 妻子 嫂子 金子 银子 镜子 梳子 扇子 毯子 垫子 架子 柜子 屋子 院子 \
    味道 早上 告示 点子 底子 法子 路子 句子 本子 册子 影子 被窝 眉毛 尾巴 蛤蟆 萝卜 玫瑰 蘑菇 芝麻 高粱 庄稼 牲口 规矩 名字 故事 \
    笑话 动静 功夫 工夫 部分 护士 学生 下巴 火候 作料 佐料 牌子 铺子 摊子 谢谢";
/// Words of the list above that keep their tones in spite of their ending.
const KEPT: [&str; 4] = ["味道", "早上", "粒子", "玫瑰"];

/// Changes the tones of one phrase, from pause to pause.
pub(super) fn connect(phrase: &mut [Spoken]) {
    lighten(phrase);
    one_and_not(phrase);
    third_tones(phrase);
}

fn lighten(phrase: &mut [Spoken]) {
    for at in 0..phrase.len() {
        let ends_word = phrase.get(at + 1).is_none_or(|next| next.word != phrase[at].word);
        let alone = at == 0 || phrase[at - 1].word != phrase[at].word;
        // 目的 and 酒吧 end in other words that are written with the same characters.
        let reads = matches!(phrase[at].syllable.letters.as_str(), "de" | "le" | "zhe" | "men");
        if ends_word && PARTICLES.contains(phrase[at].sign) && (alone || reads) {
            phrase[at].syllable.tone = 5;
        }
        if at == 0 || phrase[at - 1].word != phrase[at].word {
            continue;
        }
        let pair: String = [phrase[at - 1].sign, phrase[at].sign].iter().collect();
        if LIGHT.split_whitespace().any(|word| word == pair) && !KEPT.contains(&pair.as_str()) {
            phrase[at].syllable.tone = 5;
        }
    }
}

fn one_and_not(phrase: &mut [Spoken]) {
    for at in 0..phrase.len() {
        let next = phrase.get(at + 1).map(|next| (next.sign, next.syllable.tone));
        let next_is_number = phrase.get(at + 1).is_some_and(|next| next.number);
        let before = at.checked_sub(1).map(|at| phrase[at].sign);
        let between = matches!((before, next), (Some(a), Some((b, _))) if a == b && !phrase[at].number);
        phrase[at].syllable.tone = match phrase[at].sign {
            '一' | '不' if between => 5,
            '不' => match next {
                Some((_, 4)) => 2,
                _ => 4,
            },
            '一' => one(phrase[at].number && next_is_number, before, next),
            _ => phrase[at].syllable.tone,
        };
    }
}

/// The tone of 一 between its neighbors; `counts` when it and what follows are numbers.
fn one(counts: bool, before: Option<char>, next: Option<(char, u8)>) -> u8 {
    let Some((next, tone)) = next else { return 1 };
    if before.is_some_and(|sign| "第初周期十零点一二三四五六七八九之统唯单".contains(sign))
        && !"百千万亿".contains(next)
    {
        return 1;
    }
    let in_number = counts && "零一二三四五六七八九点十".contains(next);
    if in_number || "月日号楼层".contains(next) {
        return 1;
    }
    // A measure that has lost its tone counts as the one that it had: 一个 is said with the second.
    match tone {
        4 | 5 => 2,
        _ => 4,
    }
}

fn third_tones(phrase: &mut [Spoken]) {
    let is_third = |one: &Spoken| one.syllable.tone == 3;
    // Inside a word all but the last of a run.
    let originals: Vec<bool> = phrase.iter().map(is_third).collect();
    for at in 0..phrase.len().saturating_sub(1) {
        if originals[at] && originals[at + 1] && phrase[at].word == phrase[at + 1].word {
            phrase[at].syllable.tone = 2;
        }
    }
    // Over the border of a word of one syllable.
    let lengths: Vec<usize> =
        phrase.iter().map(|one| phrase.iter().filter(|other| other.word == one.word).count()).collect();
    for at in 0..phrase.len().saturating_sub(1) {
        let border = phrase[at].word != phrase[at + 1].word;
        let short = lengths[at] == 1 || lengths[at + 1] == 1;
        let next_third = originals[at + 1] && phrase[at + 1].syllable.tone == 3;
        let numbers = phrase[at].number && phrase[at + 1].number;
        if border && short && !numbers && is_third(&phrase[at]) && next_third {
            phrase[at].syllable.tone = 2;
        }
    }
}
