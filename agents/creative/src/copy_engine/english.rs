//! Copy patterns in American English.
//!
//! Facts stand as whole sentences or lines of their own, so a pattern never bends a fact's grammar.

use spotwright_schemas::brief::FactKind;
use spotwright_schemas::brief::Tone::{Bold, Plain, Playful, Warm};
use spotwright_schemas::script::{Angle, Hook, Role};

use super::pattern::Pattern;

use Angle::{Benefit, Moment, Offer, Problem, Proof, Story};
use Hook::{Command, Contrast, Number, Question, Scene, Statement};

const fn h(
    id: &'static str,
    angle: Angle,
    form: Hook,
    caption: &'static str,
    detail: &'static str,
) -> Pattern {
    Pattern::hook(id, angle, form, caption, detail)
}

const fn l(id: &'static str, role: Role, caption: &'static str, detail: &'static str) -> Pattern {
    Pattern::line(id, role, caption, detail)
}

const PRICE: &[FactKind] = &[FactKind::Price];
const DEAL: &[FactKind] = &[FactKind::Offer];

/// Every pattern of the locale.
pub(crate) const PATTERNS: &[Pattern] = &[
    // Problem: the trouble in the audience's words.
    h("pq1", Problem, Question, "{fact}?", "There's {product} for that."),
    h("pq2", Problem, Question, "{fact}?", "{other}"),
    h("pq3", Problem, Question, "Sound like your {category}?", "{fact}"),
    h("pq4", Problem, Question, "Is this your {category} lately?", "{fact}").toned(&[Warm, Plain]),
    h("pn1", Problem, Number, "{figure}. Really?", "{fact}"),
    h("pn2", Problem, Number, "{figure}? Come on.", "{fact}").toned(&[Bold, Playful]),
    h("pn3", Problem, Number, "{figure} too many?", "{fact}"),
    h("pc1", Problem, Contrast, "Before: {fact}", "With {product}: {other}"),
    h("pc2", Problem, Contrast, "You know: {fact}", "Now try: {other}"),
    h("pc3", Problem, Contrast, "Your {category} today. {product} tomorrow.", "{fact}")
        .toned(&[Playful, Bold, Warm]),
    h("pd1", Problem, Command, "Stop settling for this {category}", "{fact}").toned(&[Bold, Playful]),
    h("pd2", Problem, Command, "Don't settle for this {category}", "{fact}"),
    h("pd3", Problem, Command, "Give your {category} another chance", "{fact}").toned(&[Warm, Plain]),
    h("ps1", Problem, Scene, "{fact}. Again.", "Time to try {product}."),
    h("ps2", Problem, Scene, "You know this {category} scene", "{fact}"),
    h("ps3", Problem, Scene, "One of those {category} days", "{fact}").toned(&[Warm, Playful]),
    h("pt1", Problem, Statement, "{Category} has its bad days", "{fact}"),
    h("pt2", Problem, Statement, "{fact}. We know.", "So we made {product}."),
    h("pt3", Problem, Statement, "For everyone tired of this {category}", "{fact}").toned(&[Warm, Playful]),
    // Benefit: what the buyer gains.
    h("bq1", Benefit, Question, "Want this from your {category}?", "{fact}"),
    h("bq2", Benefit, Question, "What if your {category} did this?", "{fact}"),
    h("bq3", Benefit, Question, "Ready for {product}?", "{fact}"),
    h("bq4", Benefit, Question, "Why {product}?", "{fact}"),
    h("bn1", Benefit, Number, "{figure}. That's {product}.", "{fact}"),
    h("bn2", Benefit, Number, "{figure}. Read that again.", "{fact}").toned(&[Bold, Playful]),
    h("bn3", Benefit, Number, "{product} in a number: {figure}", "{fact}"),
    h("bc1", Benefit, Contrast, "Nothing fancy. Just {product}.", "{fact}").toned(&[Plain, Warm, Bold]),
    h("bc2", Benefit, Contrast, "Your usual {category}, or {product}?", "{fact}"),
    h("bc3", Benefit, Contrast, "Same routine. New {category}.", "{fact}"),
    h("bc4", Benefit, Contrast, "Less fuss. More {category}.", "{fact}").toned(&[Warm, Playful, Bold]),
    h("bd1", Benefit, Command, "Ask more of your {category}", "{fact}"),
    h("bd2", Benefit, Command, "Give {product} a try", "{fact}"),
    h("bd3", Benefit, Command, "Pick {product} today", "{fact}").toned(&[Warm]),
    h("bd4", Benefit, Command, "Raise the bar on {category}", "{fact}").toned(&[Bold]),
    h("bs1", Benefit, Scene, "Your day off, with {product}", "{fact}").toned(&[Warm, Playful]),
    h("bs2", Benefit, Scene, "Day one with {product}", "{fact}"),
    h("bs3", Benefit, Scene, "And then you try {product}", "{fact}"),
    h("bs4", Benefit, Scene, "Picture {product} at your place", "{fact}"),
    h("bt1", Benefit, Statement, "{fact}", "That's {product}."),
    h("bt2", Benefit, Statement, "{fact}", "{product} by {brand}"),
    h("bt3", Benefit, Statement, "Why we make {product}", "{fact}"),
    h("bt4", Benefit, Statement, "The reason to try {product}", "{fact}"),
    // Proof: evidence first.
    h("rq1", Proof, Question, "Want proof from {brand}?", "{fact}").toned(&[Bold, Plain, Playful]),
    h("rq2", Proof, Question, "What can {brand} show you?", "{fact}"),
    h("rq3", Proof, Question, "Why trust {product}?", "{fact}"),
    h("rn1", Proof, Number, "{figure}, on record", "{fact}"),
    h("rn2", Proof, Number, "The number at {brand}: {figure}", "{fact}"),
    h("rn3", Proof, Number, "{product} by the number: {figure}", "{fact}"),
    h("rn4", Proof, Number, "Why {figure}?", "{fact}"),
    h("rc1", Proof, Contrast, "Less talk. Here's {product}'s proof.", "{fact}"),
    h("rc2", Proof, Contrast, "Not a slogan. A {brand} fact.", "{fact}"),
    h("rc3", Proof, Contrast, "Don't take our word for {product}", "{fact}").toned(&[Bold, Plain, Warm]),
    h("rd1", Proof, Command, "Judge {product} by this", "{fact}"),
    h("rd2", Proof, Command, "Look at {brand}'s record", "{fact}"),
    h("rd3", Proof, Command, "Skip the slogans. Check {product}.", "{fact}").toned(&[Bold, Plain, Playful]),
    h("rs1", Proof, Scene, "Behind the scenes at {brand}", "{fact}"),
    h("rs2", Proof, Scene, "A look inside {brand}", "{fact}"),
    h("rs3", Proof, Scene, "Before {product} reaches you", "{fact}"),
    h("rt1", Proof, Statement, "{fact}", "The proof behind {product}"),
    h("rt2", Proof, Statement, "{product}: the facts, plainly", "{fact}"),
    h("rt3", Proof, Statement, "{brand} keeps records", "{fact}"),
    // Offer: price or offer first.
    h("oq1", Offer, Question, "Ready to try {product}?", "{fact}"),
    h("oq2", Offer, Question, "Waiting to try {product}?", "{fact}").of(DEAL),
    h("oq3", Offer, Question, "What does {product} cost?", "{fact}").of(PRICE),
    h("oq4", Offer, Question, "Curious about {product}?", "{fact}"),
    h("on1", Offer, Number, "{product}: {figure}", "{fact}").of(PRICE),
    h("on2", Offer, Number, "{figure}, from {brand}", "{fact}").of(PRICE),
    h("on3", Offer, Number, "One number to know: {figure}", "{fact}"),
    h("oc1", Offer, Contrast, "Less thinking. More {category}.", "{fact}").toned(&[Playful, Bold, Warm]),
    h("oc2", Offer, Contrast, "Not sure yet? Start with {product}.", "{fact}"),
    h("oc3", Offer, Contrast, "No riddles. Just {product}'s price.", "{fact}").of(PRICE),
    h("oc4", Offer, Contrast, "No riddles. Just {brand}'s offer.", "{fact}").of(DEAL),
    h("od1", Offer, Command, "Treat yourself to {product}", "{fact}").toned(&[Warm, Playful]),
    h("od2", Offer, Command, "Do the math on {product}", "{fact}").of(PRICE),
    h("od3", Offer, Command, "Start with {product}", "{fact}"),
    h("od4", Offer, Command, "Stop here if you like {category}", "{fact}").toned(&[Bold, Playful]),
    h("os1", Offer, Scene, "{product}, in your cart", "{fact}"),
    h("os2", Offer, Scene, "You, {product}, checkout", "{fact}").toned(&[Playful, Warm]),
    h("os3", Offer, Scene, "{product} just crossed your feed", "{fact}"),
    h("ot1", Offer, Statement, "{fact}", "{product} by {brand}"),
    h("ot2", Offer, Statement, "The deal on {product}", "{fact}").of(DEAL),
    h("ot3", Offer, Statement, "{product}'s price, plain and clear", "{fact}").of(PRICE),
    h("ot4", Offer, Statement, "A good time to try {product}", "{fact}"),
    // Story: origin first.
    h("sq1", Story, Question, "What's behind {product}?", "{fact}"),
    h("sq2", Story, Question, "Where does your {category} begin?", "{fact}"),
    h("sq3", Story, Question, "Ever wonder where {product} starts?", "{fact}"),
    h("sn1", Story, Number, "{product}'s story: {figure}", "{fact}"),
    h("sn2", Story, Number, "{figure}. That's where it begins.", "{fact}"),
    h("sn3", Story, Number, "{product}'s first number: {figure}", "{fact}"),
    h("sc1", Story, Contrast, "Less mystery. More {category}.", "{fact}"),
    h("sc2", Story, Contrast, "Short name, long way: {product}", "{fact}"),
    h("sc3", Story, Contrast, "Not just any {category}", "{fact}"),
    h("sd1", Story, Command, "Meet {product}", "{fact}"),
    h("sd2", Story, Command, "Follow {product} back to the start", "{fact}"),
    h("sd3", Story, Command, "Get to know your {category}", "{fact}"),
    h("ss1", Story, Scene, "Long before {product} reaches you", "{fact}"),
    h("ss2", Story, Scene, "Rewind {product} to the beginning", "{fact}"),
    h("ss3", Story, Scene, "Somewhere behind every {product}", "{fact}"),
    h("st1", Story, Statement, "{fact}", "The story behind {product}"),
    h("st2", Story, Statement, "The start of your {category}", "{fact}"),
    h("st3", Story, Statement, "We know where our {category} begins", "{fact}"),
    // Moment: a time of day.
    h("mq1", Moment, Question, "{fact}?", "Sounds like {product}."),
    h("mq2", Moment, Question, "Your {category} moment?", "{fact}"),
    h("mq3", Moment, Question, "A moment for {product}?", "{fact}").toned(&[Warm, Plain]),
    h("mn1", Moment, Number, "{figure}. Time for {product}.", "{fact}"),
    h("mn2", Moment, Number, "{figure}. All yours.", "{fact}").toned(&[Warm, Playful, Bold]),
    h("mn3", Moment, Number, "Save {figure} for {product}", "{fact}"),
    h("mc1", Moment, Contrast, "Busy day. {product} moment.", "{fact}"),
    h("mc2", Moment, Contrast, "Rush later. {product} first.", "{fact}").toned(&[Bold, Playful, Warm]),
    h("mc3", Moment, Contrast, "Not all day. Just one {category} moment.", "{fact}"),
    h("md1", Moment, Command, "Make room for {product}", "{fact}"),
    h("md2", Moment, Command, "Keep this moment for {product}", "{fact}").toned(&[Warm, Plain]),
    h("md3", Moment, Command, "Take your time with {product}", "{fact}"),
    h("ms1", Moment, Scene, "{fact}", "{product}, right on cue."),
    h("ms2", Moment, Scene, "{fact}", "{other}"),
    h("ms3", Moment, Scene, "{fact}. Cue {product}.", "{other}").toned(&[Playful, Bold]),
    h("mt1", Moment, Statement, "This moment calls for {product}", "{fact}"),
    h("mt2", Moment, Statement, "{product}, for moments like this", "{fact}"),
    h("mt3", Moment, Statement, "A moment worth its {category}", "{fact}"),
    // Body: what it is.
    l("b1", Role::Body, "Meet {product}", "{fact}"),
    l("b2", Role::Body, "{product} by {brand}", "{fact}"),
    l("b3", Role::Body, "{fact}", "That's {product}."),
    l("b4", Role::Body, "{fact}", "{other}"),
    l("b5", Role::Body, "This is {product}", "{fact}"),
    l("b6", Role::Body, "Say hello to {product}", "{fact}").toned(&[Warm, Playful]),
    l("b7", Role::Body, "What {product} gives you", "{fact}").toned(&[Plain, Bold]),
    l("b8", Role::Body, "How {product} works", "{fact}").of(&[FactKind::Feature]),
    l("b9", Role::Body, "{product}, simply", "{fact}").toned(&[Plain, Warm]),
    l("b10", Role::Body, "Up close: {product}", "{fact}"),
    l("b11", Role::Body, "Part of {product}", "{fact}").of(&[FactKind::Feature]),
    l("b12", Role::Body, "Enter {product}", "{fact}").toned(&[Bold, Playful]),
    l("b13", Role::Body, "{product} in your day", "{fact}").of(&[FactKind::Benefit]),
    l("b14", Role::Body, "A reason to try {product}", "{fact}")
        .of(&[FactKind::Benefit])
        .toned(&[Warm, Playful]),
    l("b15", Role::Body, "{fact}", "{product} by {brand}"),
    l("b16", Role::Body, "In short: {fact}", "{product}, {brand}").toned(&[Plain, Bold]),
    l("b17", Role::Body, "That's where {product} comes in", "{fact}"),
    // Proof: why to believe it.
    l("r1", Role::Proof, "On record at {brand}", "{fact}"),
    l("r2", Role::Proof, "What backs {product} up", "{fact}"),
    l("r3", Role::Proof, "{fact}", "From {brand}'s own records"),
    l("r4", Role::Proof, "{fact}", "Evidence on file").toned(&[Plain, Bold]),
    l("r5", Role::Proof, "The proof behind {product}", "{fact}").toned(&[Bold, Plain]),
    l("r6", Role::Proof, "Straight from {brand}", "{fact}"),
    l("r7", Role::Proof, "No big words from {brand}", "{fact}").toned(&[Warm, Plain, Playful]),
    l("r8", Role::Proof, "Good to know about {product}", "{fact}"),
    l("r9", Role::Proof, "Remember {figure}", "{fact}"),
    l("r10", Role::Proof, "{figure}, on record", "{fact}"),
    l("r11", Role::Proof, "{product}, plain and checkable", "{fact}").toned(&[Plain, Bold]),
    l("r12", Role::Proof, "Hold {product} to this", "{fact}"),
    l("r13", Role::Proof, "{fact}", "{other}"),
    l("r14", Role::Proof, "{brand} keeps track", "{fact}").toned(&[Warm, Plain]),
    // Call to action: the support line under the button's words.
    l("c1", Role::Cta, "", "{fact}"),
    l("c2", Role::Cta, "", "{fact}").of(DEAL),
    l("c3", Role::Cta, "", "Tap to see the details"),
    l("c4", Role::Cta, "", "See it at {brand}").toned(&[Plain, Warm, Bold]),
    l("c5", Role::Cta, "", "Everything is on the page").toned(&[Plain]),
    l("c6", Role::Cta, "", "One tap away").toned(&[Bold, Playful]),
    l("c8", Role::Cta, "", "Go on, have a look").toned(&[Playful]),
    l("c9", Role::Cta, "", "Find out more at {brand}").toned(&[Plain, Warm]),
    l("c11", Role::Cta, "", "Your turn to try it").toned(&[Bold, Playful]),
];
