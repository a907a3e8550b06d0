//! Why a line is not spoken, or otherwise than it was asked for.

use std::fmt;

use serde::{Deserialize, Serialize};
use spotwright_schemas::locale::{Language, Locale};

use super::{listed, name, quoted};

/// Why a line is not spoken, or otherwise than it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum VoiceReason {
    /// The lines are spoken faster than the voice's own pace, to fit into the ad.
    Faster {
        /// Of the voice's own pace, in percent; above 100.
        percent: u32,
    },
    /// Nobody speaks the line of a shot.
    Silent {
        /// Number of the shot, from 1.
        shot: u32,
        /// Why.
        why: Box<Self>,
    },
    /// The clip of a shot is shorter than its line.
    ClipTooShort {
        /// Number of the shot, from 1.
        shot: u32,
        /// Frames of the clip.
        clip_frames: u32,
        /// Frames of the line.
        line_frames: u32,
    },
    /// With its lines the ad would be longer than its placement allows: it has captions only.
    AdTooLong {
        /// Frames of the ad with its lines.
        frames: u32,
        /// Frames that the placement allows.
        at_most: u32,
    },
    /// Every voice was passed over: captions only.
    Nobody {
        /// Why each was, in the order in which they were asked.
        passed_over: Vec<Self>,
    },
    /// A voice was asked before the one that speaks.
    PassedOver {
        /// Its engine.
        engine: String,
        /// Why it does not speak.
        why: Box<Self>,
    },
    /// The voice that was asked for is not installed, or does not speak the language.
    OtherVoice {
        /// The voice that was asked for.
        asked: String,
        /// The language.
        locale: Locale,
        /// The voice that speaks.
        speaks: String,
    },
    /// The usual voice of a language is not installed.
    UsualVoiceMissing {
        /// The usual voice.
        usual: String,
        /// The voice that speaks.
        speaks: String,
    },
    /// The small voice speaks in the place of the one that was asked for.
    SmallVoice {
        /// The voice that was asked for.
        asked: String,
    },
    /// The small voice is American.
    American,
    /// The voice tells no times of its words.
    NoWordTimes {
        /// Its engine.
        engine: String,
    },
    /// A server speaks with its own voice.
    ServerVoice {
        /// Its voice.
        speaks: String,
        /// The voice that was asked for.
        asked: String,
    },
    /// A server takes no list of pronunciations.
    NoPronunciations,
    /// What is wrong with an engine.
    #[serde(untagged)]
    Fault(VoiceFault),
}

/// Why an engine does not speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum VoiceFault {
    /// A file of a voice is missing or is not what it should be.
    File {
        /// The file.
        file: String,
        /// What is wrong with it, in the words of the system.
        words: String,
    },
    /// The model of a voice could not be loaded, or refused a computation.
    Model {
        /// In the words of its runtime.
        words: String,
    },
    /// Speaking was interrupted.
    Interrupted {
        /// In the words of the runtime.
        words: String,
    },
    /// A character has no reading.
    Character {
        /// The character.
        character: char,
    },
    /// No voice for a language is installed.
    NoVoice {
        /// The language.
        locale: Locale,
    },
    /// The small voice speaks English only.
    EnglishOnly,
    /// Nothing in the line can be said.
    NoWords,
    /// A sentence is too long for one breath.
    SentenceTooLong {
        /// Its sounds.
        sounds: usize,
        /// Most that can be spoken in one breath.
        at_most: usize,
    },
    /// A server could not be reached.
    ServerAway {
        /// In the words of the connection.
        words: String,
    },
    /// A server answered something else than sound.
    ServerAnswered {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        words: String,
    },
    /// A server answered more than a line.
    AnswerTooLong {
        /// Minutes that an answer has at most.
        minutes: u32,
    },
    /// A server answered a file without sound.
    NoSound,
    /// A server answered something that is no sound file.
    BadSound {
        /// What is wrong with it, in the words of the reader.
        words: String,
    },
    /// Words of an earlier version.
    #[serde(untagged)]
    Words(String),
}

impl From<VoiceFault> for VoiceReason {
    fn from(fault: VoiceFault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for VoiceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_english())
    }
}

impl VoiceReason {
    /// The reason without a final point, in a language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        match locale.language() {
            Language::English => self.in_english(),
            Language::Chinese => self.in_chinese(),
        }
    }

    fn in_english(&self) -> String {
        let told = |why: &Self| why.in_english();
        match self {
            Self::Faster { percent } => {
                format!("spoken at {:.2} times the voice's pace, to fit", f64::from(*percent) / 100.0)
            }
            Self::Silent { shot, why } => format!("shot {shot}: {}", told(why)),
            Self::ClipTooShort { shot, clip_frames, line_frames } => {
                format!(
                    "shot {shot}: its clip of {clip_frames} frames is shorter than its line of {line_frames}"
                )
            }
            Self::AdTooLong { frames, at_most } => {
                format!("the ad would take {frames} frames, its placement allows {at_most}; captions only")
            }
            Self::Nobody { passed_over } => {
                let only = std::iter::once("captions only".to_owned());
                listed(passed_over.iter().map(told).chain(only), Locale::EnUs)
            }
            Self::PassedOver { engine, why } => format!("{engine}: {}", told(why)),
            Self::OtherVoice { asked, locale, speaks } => format!(
                "the voice `{asked}` is not installed or does not speak {}; `{speaks}` speaks",
                locale.tag()
            ),
            Self::UsualVoiceMissing { usual, speaks } => {
                format!("the voice `{usual}` is not installed; `{speaks}` speaks")
            }
            Self::SmallVoice { asked } => format!("the small voice speaks in the place of `{asked}`"),
            Self::American => "the small voice is American".to_owned(),
            Self::NoWordTimes { engine } => format!("the voice `{engine}` tells no word times"),
            Self::ServerVoice { speaks, asked } => {
                format!("the server speaks with `{speaks}`, not with `{asked}`")
            }
            Self::NoPronunciations => "the server takes no list of pronunciations".to_owned(),
            Self::Fault(fault) => fault.in_english(),
        }
    }

    fn in_chinese(&self) -> String {
        let told = |why: &Self| why.in_chinese();
        match self {
            Self::Faster { percent } => {
                format!("为放进片长，语速提高到原来的 {:.2} 倍", f64::from(*percent) / 100.0)
            }
            Self::Silent { shot, why } => format!("第 {shot} 个镜头没有配音：{}", told(why)),
            Self::ClipTooShort { shot, clip_frames, line_frames } => format!(
                "第 {shot} 个镜头没有配音：生成的镜头有 {clip_frames} 帧，短于台词的 {line_frames} 帧"
            ),
            Self::AdTooLong { frames, at_most } => {
                format!("加上配音共 {frames} 帧，超过版位允许的 {at_most} 帧，只用字幕")
            }
            Self::Nobody { passed_over } => {
                let only = std::iter::once("只用字幕".to_owned());
                listed(passed_over.iter().map(told).chain(only), Locale::ZhCn)
            }
            Self::PassedOver { engine, why } => format!("{} 不能朗读：{}", name(engine), told(why)),
            Self::OtherVoice { asked, locale, speaks } => format!(
                "指定的音色 {} 没有安装，或不支持 {}，改由 {} 朗读",
                name(asked),
                locale.tag(),
                name(speaks)
            ),
            Self::UsualVoiceMissing { usual, speaks } => {
                format!("常用音色 {} 没有安装，改由 {} 朗读", name(usual), name(speaks))
            }
            Self::SmallVoice { asked } => format!("由小音色代替 {} 朗读", name(asked)),
            Self::American => "小音色是美式发音".to_owned(),
            Self::NoWordTimes { engine } => format!("{} 不提供逐词时间", name(engine)),
            Self::ServerVoice { speaks, asked } => {
                format!("语音服务器用 {} 朗读，而不是 {}", name(speaks), name(asked))
            }
            Self::NoPronunciations => "语音服务器不接受读音表".to_owned(),
            Self::Fault(fault) => fault.in_chinese(),
        }
    }
}

impl VoiceFault {
    /// The fault without a final point, in a language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        match locale.language() {
            Language::English => self.in_english(),
            Language::Chinese => self.in_chinese(),
        }
    }

    fn in_english(&self) -> String {
        match self {
            Self::File { file, words } => {
                format!("voice file `{file}`: {words}; `infra/setup.sh` installs it")
            }
            Self::Model { words } => format!("speech model: {words}"),
            Self::Interrupted { words } => format!("speaking was interrupted: {words}"),
            Self::Character { character } => format!("the character `{character}` has no reading"),
            Self::NoVoice { locale } => {
                format!("no voice for {} is installed; `infra/setup.sh` installs them", locale.tag())
            }
            Self::EnglishOnly => "the small voice speaks English only".to_owned(),
            Self::NoWords => "the line has no words".to_owned(),
            Self::SentenceTooLong { sounds, at_most } => {
                format!("a sentence has {sounds} sounds; at most {at_most} can be spoken in one breath")
            }
            Self::ServerAnswered { status, words } => format!("the server answered {status}: {words}"),
            Self::AnswerTooLong { minutes } => format!("the answer is longer than {minutes} minutes"),
            Self::NoSound => "the server answered no sound".to_owned(),
            Self::BadSound { words } | Self::ServerAway { words } | Self::Words(words) => words.clone(),
        }
    }

    fn in_chinese(&self) -> String {
        let quote = |words: &str| quoted(words, Locale::ZhCn);
        match self {
            Self::File { file, words } => {
                format!("语音文件 {} 无法使用（{}），运行 `infra/setup.sh` 可安装", name(file), quote(words))
            }
            Self::Model { words } => format!("语音模型出错：{}", quote(words)),
            Self::Interrupted { words } => format!("朗读被中断：{}", quote(words)),
            Self::Character { character } => format!("“{character}”没有读音"),
            Self::NoVoice { locale } => {
                format!("没有安装 {} 的音色，运行 `infra/setup.sh` 可安装", locale.tag())
            }
            Self::EnglishOnly => "小音色只会英语".to_owned(),
            Self::NoWords => "这句话里没有可以读的字".to_owned(),
            Self::SentenceTooLong { sounds, at_most } => {
                format!("一句话有 {sounds} 个音，一口气最多读 {at_most} 个")
            }
            Self::ServerAway { words } => format!("语音服务器没有应答：{}", quote(words)),
            Self::ServerAnswered { status, words } => {
                format!("语音服务器返回状态 {status}：{}", quote(words))
            }
            Self::AnswerTooLong { minutes } => format!("语音服务器返回的录音超过 {minutes} 分钟"),
            Self::NoSound => "语音服务器返回的文件没有声音".to_owned(),
            Self::BadSound { words } => format!("语音服务器返回的不是音频：{}", quote(words)),
            Self::Words(words) => quote(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_stored_as_codes_with_figures_and_old_words_are_read() {
        let silent = VoiceReason::Silent {
            shot: 2,
            why: Box::new(VoiceReason::PassedOver {
                engine: "kokoro".to_owned(),
                why: Box::new(VoiceFault::NoVoice { locale: Locale::ZhCn }.into()),
            }),
        };
        let list = vec![
            VoiceReason::Faster { percent: 115 },
            silent,
            VoiceFault::Words("as it was".to_owned()).into(),
        ];
        let stored = serde_json::to_value(&list).expect("plain data");
        assert_eq!(stored[0], serde_json::json!({ "code": "faster", "percent": 115 }));
        assert_eq!(stored[1]["why"]["why"]["locale"], "zh-CN");
        assert_eq!(stored[2], "as it was");
        let read: Vec<VoiceReason> = serde_json::from_value(stored).expect("reads");
        assert_eq!(read, list);
        assert_eq!(read[0].to_string(), "spoken at 1.15 times the voice's pace, to fit");
        assert_eq!(read[0].told(Locale::ZhCn), "为放进片长，语速提高到原来的 1.15 倍");
        assert_eq!(
            read[1].told(Locale::ZhCn),
            "第 2 个镜头没有配音：`kokoro` 不能朗读：没有安装 zh-CN 的音色，运行 `infra/setup.sh` 可安装"
        );
        assert_eq!(read[2].told(Locale::ZhCn), "`as it was`");
    }
}
