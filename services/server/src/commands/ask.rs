//! Questions about a brief, asked on the terminal.

use std::io::{BufRead as _, IsTerminal as _};

use spotwright_core::domain::run::{Clarify, Involvement, RunView};
use spotwright_core::domain::signal::{AskedQuestion, Caller, Signal, Told};
use spotwright_core::ports::run_control::RunControl;
use spotwright_creative::clarify;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::SignalId;
use spotwright_schemas::{Language, Locale, Problem};

/// Longest line that is read as an answer, in bytes: what terminals give at most.
const LONGEST_LINE: usize = 4_096;

/// Asks, where somebody wants to be asked and there is a terminal to do it on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    wanted: bool,
    terminal: bool,
}

impl Asker {
    /// An asker for a run that was started with or without `--ask`.
    pub(super) fn new(wanted: bool) -> Self {
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self { wanted, terminal }
    }

    /// Where people take part in a new run.
    pub(super) fn involvement(self) -> Involvement {
        let clarify = if self.wanted && self.terminal { Clarify::Ask } else { Clarify::Assume };
        Involvement { clarify, ..Involvement::default() }
    }

    /// What is assumed because nobody can be asked, when somebody wanted to be.
    pub(super) fn remark(self, brief: &Brief) -> Option<String> {
        let questions = clarify::questions(brief);
        if !self.wanted || self.terminal || questions.is_empty() {
            return None;
        }
        let assumed: Vec<&str> = questions.iter().map(|question| question.default.as_str()).collect();
        Some(match brief.locale.language() {
            Language::English => {
                format!("there is no terminal to ask on, so this is assumed: {}", assumed.join(" "))
            }
            Language::Chinese => format!("没有可以提问的终端，因此按以下方式处理：{}", assumed.concat()),
        })
    }

    /// Asks what is open until the run has its answers. Without a terminal, as when an interrupted run is
    /// continued by a program, the defaults are taken.
    ///
    /// # Errors
    /// What the control answers, but for an answer that can be given again; [`Code::Store`] when the terminal
    /// cannot be read.
    pub(super) async fn ask(self, control: &dyn RunControl, run: &RunView) -> Result<(), Problem> {
        let person = Caller::Person { organization: run.organization };
        let questions = control.questions(run.id, &person).await?;
        for question in questions.iter().filter(|question| !question.closed) {
            let mut attempt = 0;
            loop {
                let text =
                    if self.terminal { read_answer(question, run.request.brief.locale).await? } else { None };
                let id = SignalId::child_of(run.id.0, &format!("terminal/{}", question.id), attempt);
                let answer = Signal::Answer { question: question.id.clone(), text };
                match control.tell(run.id, &person, &Told { id, signal: answer }).await {
                    Ok(_) => break,
                    // The time for answers is over, or somebody else has answered.
                    Err(problem) if problem.code == Code::RunState => break,
                    Err(problem)
                        if self.terminal && matches!(problem.code, Code::RequestValue | Code::Letters) =>
                    {
                        eprintln!("  {}", problem.message);
                        attempt += 1;
                    }
                    Err(problem) => return Err(problem),
                }
            }
        }
        Ok(())
    }
}

/// One line from the terminal; `None` for an empty one and at the end of the input.
async fn read_answer(question: &AskedQuestion, locale: Locale) -> Result<Option<String>, Problem> {
    let without = match locale.language() {
        Language::English => "empty",
        Language::Chinese => "留空",
    };
    eprintln!("{}", question.text);
    eprintln!("  [{without}: {}]", question.default);
    let failed =
        |error: String| Problem::new(Code::Store, "", format!("the terminal cannot be read: {error}"));
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let mut input = std::io::Read::take(std::io::stdin().lock(), LONGEST_LINE as u64);
        input.read_line(&mut line).map(|_| line)
    });
    let line = line.await.map_err(|error| failed(error.to_string()))?;
    let line = line.map_err(|error| failed(error.to_string()))?;
    let text = line.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
