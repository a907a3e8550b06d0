// A made-up organization: everything in it is invented and the same on every run.

const NOW = Date.parse('2026-11-28T09:41:18Z');
const ago = (seconds) => new Date(NOW - seconds * 1000).toISOString();
const id = (kind, n) => `${kind.padEnd(8, '0').slice(0, 8)}-0000-7000-8000-${String(n).padStart(12, '0')}`;
const page = (rows, query) => {
  const limit = Number(query.get('limit') ?? 100);
  const from = Number(query.get('cursor') ?? 0);
  const has_more = from + limit < rows.length;
  return { data: rows.slice(from, from + limit), next_cursor: has_more ? String(from + limit) : null, has_more };
};
/** Numbers in [0, 1) that look random and are not. */
const noise = (n) => { const x = Math.sin(n * 12.9898 + 4.1414) * 43758.5453; return x - Math.floor(x); };

export const SCOPES = {
  owner: ['briefs:read', 'briefs:write', 'runs:read', 'runs:write', 'approvals:write', 'results:read', 'results:write', 'experiments:write', 'members:admin', 'keys:admin', 'webhooks:admin', 'audit:read'],
  viewer: ['briefs:read', 'runs:read', 'results:read'],
  editor: ['briefs:read', 'briefs:write', 'runs:read', 'runs:write', 'results:read'],
  approver: ['briefs:read', 'runs:read', 'approvals:write', 'results:read'],
  analyst: ['briefs:read', 'runs:read', 'results:read', 'results:write', 'experiments:write'],
};

const ANGLES = ['story', 'offer', 'moment', 'proof', 'problem', 'benefit'];
const HOOKS = ['scene', 'number', 'question', 'statement', 'command', 'contrast'];
const LAYOUTS = ['full_bleed', 'poster', 'card', 'framed'];
const LINES = ['Somewhere behind every Morning Roast', 'One number to know: $30', '6:30. Time for Morning Roast.', 'Three roasters sign every batch', 'Bitter by the last sip?', 'Out the door in 3 minutes'];
const BODIES = ['Roasted in small batches in Portland, Maine', 'Free shipping on orders over $30', 'Smooth to the last sip, even black'];
const PROOFS = ['Every batch cupped by 3 roasters', '1,700 meters, Huila', '48 hours from roast to door'];
const ACTIONS = ['Order now', 'See the roast', 'Try it black'];
const SIZES = [{ width: 720, height: 1280 }, { width: 720, height: 1280 }, { width: 720, height: 720 }];
const PICTURES = ['coffee.png', 'cup-tall.png', 'cup-close.png'];

export function variant(n, run, generation, text = {}) {
  const [angle, hook] = [ANGLES[n % 6], HOOKS[Math.floor(n / 6) % 6]];
  const captions = [LINES[n % 6], BODIES[Math.floor(n / 3) % 3], PROOFS[Math.floor(n / 5) % 3], ACTIONS[Math.floor(n / 7) % 3]].map((one) => text.caption ?? one);
  const state = n % 17 === 16 ? 'failed' : n % 6 === 0 ? 'won' : n % 13 === 12 ? 'rejected' : 'scored';
  const size = SIZES[n % 3];
  const picture = `/pictures/${PICTURES[n % 3]}`;
  const file = { bytes: 1_400_000, frames: 450, hash: 'a3f1'.repeat(16), poster_url: picture, url: '/v1/none.mp4' };
  const predicted = 0.006 + noise(n) * 0.007;
  const shown = state === 'won' ? 20_000 + Math.floor(noise(n + 3) * 900) : 0;
  const roles = ['hook', 'body', 'proof', 'cta'];
  const frames = [105, 120, 120, 105];
  return {
    id: id('0a', generation * 100_000 + n), run, generation, number: n + 1, parents: generation > 1 ? [id('0a', (generation - 1) * 100_000 + n)] : [],
    primary_text: text.primary ?? captions[0], state, failure: state === 'failed' ? (text.failure ?? 'the caption left the safe zone') : null, selected_because: state === 'won' ? (text.because ?? 'best predicted and unlike the others') : null,
    score: { appeal: noise(n) - 0.4, appeal_sd: 0.21, interval: [predicted * 0.6, predicted * 1.6], level: 0.5, model: 'click-model 7', predicted_ctr: predicted },
    video: state === 'won' ? file : null, preview: state === 'failed' ? null : file, withdrawal: null, final_gate: state === 'won' ? true : null,
    placement: shown ? { id: id('0b', n), campaign: 'g1', ended: false, source: 'simulated', delivery: { impressions: shown, clicks: Math.floor(shown * (0.009 + noise(n + 7) * 0.008)), conversions: 17, spend: 76_190_000 } } : null,
    script: { direction: { angle, hook }, locale: 'en-US', primary_text: captions[0], structure: 'offer_first', lines: roles.map((role, idx) => ({ role, caption: captions[idx], detail: idx === 1 ? 'Portland, Maine' : '', provenance: 'rules', rests_on: [text.fact ?? ['small', 'shipping', 'cupped', 'huila'][idx]] })) },
    storyboard: {
      fps: 30, locale: 'en-US', placement: 'tiktok_in_feed', size, palette: { primary: '#3B2417', accent: '#F2B544' }, audio: { loudness_lufs: -14, seed: 1, tempo: 96 },
      shots: roles.map((role, idx) => ({ role, caption: captions[idx], detail: '', disclaimer: '', brand: 'Harbor Lane', button: idx === 3 ? 'Order now' : '', caption_motion: 'slide_up', motion: 'push_in', frames: frames[idx], layout: idx === 3 ? 'end_card' : LAYOUTS[(n + idx) % 4], picture: text.file ?? PICTURES[n % 3], ai_label: true, voice: idx === 0 ? { frames: 80, start: 8, sound: 'x', speaker: 'a', text: captions[idx] } : null })),
    },
  };
}

const summary = ({ script, storyboard, placement, final_gate, ...rest }) => rest;

function delivery(n, state) {
  const type = ['spotwright.variant.scored.v1', 'spotwright.variant.rendered.v1', 'spotwright.run.finished.v1', 'spotwright.creative.won.v1'][n % 4];
  const tries = state === 'failed' ? 12 : state === 'waiting' ? 2 : 1;
  return {
    id: id('0d', n), event: id('0f', n), type, run: id('0c', 1), state, created_at: ago(60 * n), next_attempt_at: state === 'waiting' ? ago(-600) : null, delivered_at: state === 'delivered' ? ago(60 * n - 1) : null,
    request: { type, timestamp: ago(60 * n), data: { run: id('0c', 1), generations: 2, winners: 8, source: 'simulated' } },
    attempts: Array.from({ length: tries }, (_, idx) => ({ at: ago(60 * n - idx * 30), ms: state === 'delivered' ? 60 + (n % 40) : 10_000, status: state === 'delivered' ? 200 : 502, answer: state === 'delivered' ? '' : '<html>Bad gateway</html>', error: null })),
  };
}

const ARMS = ['A', 'B', 'C'];
/** By verdict: lifts of B and C at the end. */
const LIFTS = { winner: [0.32, -0.03], undecided: [0.04, -0.02], mismatch: [0.1, 0.02], guardrail: [0.24, 0.01], too_early: [0.05, 0.01], control: [-0.21, -0.03] };
const SENTENCES = {
  winner: ['B wins: the origin story gets 32% more clicks than the offer. The true gain is likely between 17% and 48%. C does about as well as A. The split is healthy and no guardrail is hurt, so you can stop now.', 'B胜出：“从来历切入”的点击率比“从优惠切入”高32%。真实提升很可能在17%到48%之间。C与A相差不大。分流正常，护栏指标未受损，现在就可以结束。'],
  mismatch: ['Do not read this test: B got 50.8% of viewers, 50% were planned (p < 0.001). Find the cause, then start a new phase.', '请勿采用本次结果：B分到50.8%的受众，计划为50%（p < 0.001）。请先查明原因，再开启新阶段。'],
  undecided: ['No difference yet. If B were 10% better, about 4 more days would show it.', '尚看不出差异。若B确实好10%，按当前流量约再过4天可见分晓。'],
  too_early: ['Too early: 312 of at least 4,000 views per arm, day 2 of 7. Nothing to decide today.', '数据不足：每组至少需4,000次展示，现有312次；第2天，共需7天。今天无需决定。'],
  guardrail: ['B gets 12% more clicks, but conversions per click fell 18% (likely 9% to 26%). Do not ship B.', 'B的点击多12%，但点击转化率下降18%（很可能在9%到26%之间）。请勿采用B。'],
  control: ['B loses: 14% fewer clicks than A, likely 6% to 21% fewer. Stop B and keep A.', 'B落败：点击率比A低14%，很可能低6%到21%。建议停掉B，保留A。'],
};

function experiment(n, state, verdict, name, hypothesis, extra = {}) {
  const begun = state !== 'draft';
  const day = begun ? (verdict === 'too_early' ? 2 : 14) : 0;
  return {
    id: id('0e', n), name, state, phase: 1, day, source: 'simulated', run: id('0c', 1), currency: 'USD',
    design: {
      hypothesis, primary: 'ctr', guardrails: [{ metric: 'cpc', margin: 0.1 }, { metric: 'cvr', margin: 0.1 }], smallest_effect: 0.1, alpha: 0.05, power: 0.8, tuning: 5000,
      stopping: { rule: 'always_valid', minimum_days: 7, minimum_units: 4000, maximum_days: 21 },
      arms: ARMS.map((arm, idx) => ({ name: arm, variant: id('0a', 200_000 + idx * 6), role: idx === 0 ? 'control' : 'treatment' })),
      seed: 7, traffic: { opportunities_per_day: 20_000, daily_budget_micros: 50_000_000, day_seconds: 0 }, conversion_value_micros: null,
    },
    phases: [{ phase: 1, from_day: 1, weights: [1, 1, 1], holdout: n === 3 ? 0.1 : 0 }],
    verdict: begun ? { verdict, arm: ['winner', 'guardrail'].includes(verdict) ? 'B' : null, metric: null } : null, srm_alarm: verdict === 'mismatch' && begun,
    stopped_because: state === 'stopped' ? 'maximum_days' : state === 'decided' ? 'decided' : null, decision: null,
    created_at: ago(20 * 86_400), started_at: begun ? ago(14 * 86_400) : null, stopped_at: ['stopped', 'decided'].includes(state) ? ago(3600) : null, next_day_at: state === 'running' ? ago(-86_400) : null, ...extra,
  };
}

const segmentsOf = (one, lifts, units, day) => ({
  exploratory: true, tested: 8, sentence: { en: 'Exploratory: eight comparisons were looked at; B stands out among home brewers.', zh: '探索性结果：共比较8项；B在家庭冲煮人群中值得关注。' },
  rows: [['commuters', 'Commuters', '通勤者'], ['home_brewers', 'Home brewers', '家庭冲煮'], ['gifts', 'Gift buyers', '送礼人群'], ['rare', 'Rarely online', '少上网']].map(([segment, en, zh], at) => ({
    segment, label: { en, zh }, units: Math.round(units / (at + 2)),
    arms: one.design.arms.map((arm) => ({ name: arm.name, role: arm.role, units: 400, impressions: 900, clicks: 12, conversions: 1, spend_micros: 1_200_000, value: 0.0133 })),
    comparisons: one.design.arms.slice(1).map((arm, idx) => ({ arm: arm.name, lift: at === 3 ? null : lifts[idx] + 0.05 * (at - 1), ci: at === 3 ? null : [lifts[idx] - 0.3 / Math.sqrt(day), lifts[idx] + 0.4 / Math.sqrt(day)], p_value: at === 3 ? null : 0.03, adjusted_p_value: at === 3 ? null : 0.2, stands_out: at === 1 && idx === 0 })),
  })),
});

export function readouts(one, verdict) {
  const [phase] = one.phases;
  return Array.from({ length: one.day }, (_, idx) => {
    const day = idx + 1;
    const planned = one.design.arms.map((arm, at) => ({ name: arm.name, role: arm.role, weight: ((1 - phase.holdout) * phase.weights[at]) / 3 }));
    if (phase.holdout > 0) planned.push({ name: 'holdout', role: 'holdout', weight: phase.holdout });
    const lifts = LIFTS[verdict];
    const arms = planned.map((arm, at) => {
      const value = arm.role === 'holdout' ? null : 0.0111 * (1 + (at === 0 ? 0 : lifts[at - 1]));
      const expected = 25_800 * day * arm.weight;
      const units = Math.round(verdict === 'mismatch' && at === 1 ? expected * 1.03 : expected + (noise(at * 50 + day) - 0.5) * 160);
      const shown = arm.role === 'holdout' ? 0 : Math.round(units * 1.2);
      const clicks = Math.round(shown * (value ?? 0));
      return { name: arm.name, role: arm.role, units, impressions: shown, clicks, conversions: Math.round(clicks * 0.08), spend_micros: shown * 4400, revenue_micros: null, value, weight: arm.weight };
    });
    const comparisons = one.design.arms.slice(1).flatMap((arm, at) => {
      const lift = lifts[at] + ((noise(at * 31 + day) - 0.5) * 0.12) / Math.sqrt(day);
      const half = 0.56 / Math.sqrt(day);
      const rest = { p_value: null, adjusted_p_value: null, chance_to_win: null, expected_loss: null };
      return [
        { arm: arm.name, method: 'always_valid', lift, ci: [lift - half, lift + half], ...rest, p_value: Math.abs(lift) > half ? 0.001 : 0.4, adjusted_p_value: Math.abs(lift) > half ? 0.002 : 0.4 },
        { arm: arm.name, method: 'fixed_horizon', lift, ci: [lift - half * 0.6, lift + half * 0.6], ...rest, p_value: 0.01 },
        { arm: arm.name, method: 'bayesian', lift, ci: [lift - half * 0.58, lift + half * 0.58], ...rest, chance_to_win: lift > 0.1 ? 0.9996 : 0.3, expected_loss: lift > 0.1 ? 0.00004 : 0.02 },
      ];
    });
    const said = day < 7 ? { verdict: verdict === 'mismatch' ? verdict : 'too_early', arm: null, metric: null } : { verdict, arm: ['winner', 'guardrail'].includes(verdict) ? 'B' : null, metric: verdict === 'guardrail' ? 'cvr' : null };
    const [en, zh] = SENTENCES[said.verdict];
    const units = arms.reduce((sum, arm) => sum + arm.units, 0);
    return {
      day, phase: 1, phase_day: day, source: 'simulated', at: ago((one.day - idx) * 86_400), currency: 'USD', primary: { metric: 'ctr', goal: 'increase' }, arms, comparisons,
      srm: { p_value: verdict === 'mismatch' ? 0.00002 : 0.92, warning: verdict === 'mismatch', alarm: verdict === 'mismatch', observed: arms.map((arm) => arm.units), expected: arms.map((arm) => arm.weight * units) },
      guardrails: [{ metric: 'cpc', arm: 'B', margin: 0.1, state: 'held', lift: -0.18, ci: [-0.25, -0.1] }, { metric: 'cvr', arm: 'B', margin: 0.1, state: verdict === 'guardrail' ? 'breached' : 'held', lift: verdict === 'guardrail' ? -0.18 : -0.02, ci: verdict === 'guardrail' ? [-0.26, -0.11] : [-0.08, 0.05] }],
      gates: [{ gate: 'days', arm: null, needed: 7, have: day, passed: day >= 7 }, ...one.design.arms.map((arm, at) => ({ gate: 'units', arm: arm.name, needed: 4000, have: arms[at].units, passed: arms[at].units >= 4000 }))],
      required: { units: [120_000, 120_000, 120_000], total: 360_000, days_left: Math.max(0, 18 - day) }, verdict: said, standing: said,
      sentence: { en: `In the simulated market, ${en}`, zh: `在模拟市场中，${zh}` },
      segments: segmentsOf(one, lifts, units, day),
      adjusted: { covariate: 'earlier_clicks', comparisons: one.design.arms.slice(1).map((arm, at) => ({ arm: arm.name, method: 'always_valid', lift: lifts[at], ci: [lifts[at] - 0.11, lifts[at] + 0.11], p_value: 0.01, adjusted_p_value: 0.02, chance_to_win: null, expected_loss: null })), reductions: one.design.arms.slice(1).map((arm) => ({ arm: arm.name, variance_reduction: 0.12 })) },
      incrementality: phase.holdout > 0 ? { outcome: 'conversions_per_user', holdout: { units: 900, conversions: 12, rate: 0.0133 }, sentence: { en: 'All arms together added about 87 conversions.', zh: '各组合计约带来87个转化增量。' }, rows: [{ arm: null, units: 7000, conversions: 180, attributed: 120, rate: 0.0257, difference: 0.0124, difference_ci: [0.004, 0.02], lift: 0.93, lift_ci: [0.2, 1.6], p_value: 0.001, adjusted_p_value: 0.001, added: 87, added_ci: [28, 140], cost_per_added_micros: 1_400_000, reason: null }, { arm: 'B', units: 12, conversions: 0, attributed: 0, rate: 0, difference: null, difference_ci: null, lift: null, lift_ci: null, p_value: null, adjusted_p_value: null, added: null, added_ci: null, cost_per_added_micros: null, reason: 'too_few_units' }] } : null,
    };
  });
}

const RUNGS = [100, 300, 1000, 5000];

function ad(n, campaign, variantId) {
  const reached = [5, 4, 3, 2, 1, 1][n % 6];
  const rate = 0.0165 - n * 0.0016;
  const ladder = RUNGS.slice(0, Math.min(4, reached)).map((rung, idx) => {
    const decision = idx === reached - 1 ? (n % 3 === 1 ? 'held' : 'stopped') : 'promoted';
    return { rung, impressions: rung, clicks: Math.round(rung * (rate + (noise(n * 9 + idx) - 0.5) * 0.01)), probability: decision === 'promoted' ? 0.7 : decision === 'held' ? 0.38 : 0.04 + n * 0.005, decision };
  });
  const shown = reached === 5 ? 20_425 : (ladder.at(-1)?.rung ?? 0) + 40 * n;
  return {
    id: id('0j', n), campaign, ad_group: `${campaign}-a1`, run: id('0c', 1), generation: 2, variant: variantId, placement: 'simulated_feed', status: 'active', source: 'simulated', currency: 'USD',
    delivery: { impressions: shown, clicks: Math.round(shown * rate), conversions: Math.round(shown * rate * 0.05), spend: shown * 3820 }, auctions: shown * 3, won: Math.round(shown * 1.3), win_rate: 0.43, frequency: 1.4, fatigued: n === 1,
    rung: reached === 5 ? null : (RUNGS[reached - 1] ?? null), ladder, segments: ['commuters', 'home_brewers'].map((segment, idx) => ({ segment, delivery: { impressions: Math.floor(shown / 2), clicks: Math.floor((shown * rate) / (idx ? 3 : 1.5)), conversions: 2, spend: shown * 1910 } })), external_refs: [], allowed: ['pause', 'end'],
  };
}

function campaignOf(n, status, extra = {}) {
  const played = status !== 'waiting';
  return {
    id: `${id('0c', 1)}-g${n}`, run: id('0c', 1), generation: n, name: `Morning Roast, generation ${n}`, status, objective: 'clicks', placement: 'simulated_feed', source: 'simulated', currency: 'USD', budget_micros: played ? 100_000_000 : null,
    impressions: played ? 26_006 : 0, clicks: played ? 397 : 0, conversions: played ? 17 : 0, spend_micros: played ? 99_240_000 : 0, auctions: played ? 60_905 : null, won: played ? 26_006 : null, win_rate: played ? 0.427 : null, ads: 6, created_at: ago(3600 * (4 - n)), external_refs: [], allowed: status === 'ended' ? [] : [status === 'paused' ? 'resume' : 'pause', 'end'], ...extra,
  };
}

const deliveryOf = (one) => ({
  campaign: one.id, source: 'simulated', marketplace: 'm1', currency: 'USD', budget_micros: 100_000_000, spend_micros: one.spend_micros, auctions: one.auctions, won: one.won, win_rate: one.win_rate, competitors: 20, mean_cpm_micros: 3_820_000,
  prices: [[0.05, 1.9, 2.6], [0.25, 2.9, 3.6], [0.5, 3.7, 4.6], [0.75, 4.2, 5.4], [0.95, 4.4, 6.8]].map(([quantile, own, market]) => ({ quantile, own_cpm_micros: own * 1e6, market_cpm_micros: market * 1e6 })),
  pacing: Array.from({ length: 24 }, (_, idx) => ({ hour: idx + 1, planned_micros: Math.round(100_000_000 * ((idx + 1) / 24) ** 1.3), spent_micros: Math.round(99_240_000 * ((idx + 1) / 24) ** 1.2), impressions: (idx + 1) * 1083, won: (idx + 1) * 1100 })),
  climbs: [], holds: [{ ad: id('0j', 2), from_hour: 11, until_hour: 13 }],
});

/** The market as a whole, of the campaigns that were played. */
const marketOf = (state, query) => {
  const rows = state.campaigns.filter((one) => one.auctions && (!query.get('status') || one.status === query.get('status')) && (!query.get('run') || one.run === query.get('run')));
  const sum = (name) => rows.reduce((whole, one) => whole + (one[name] ?? 0), 0);
  const { prices, pacing } = deliveryOf({ id: '', spend_micros: 0, auctions: 0, won: 0, win_rate: 0 });
  const currency = { currency: 'USD', campaigns: rows.length, running: rows.filter((one) => one.status === 'active').length, auctions: sum('auctions'), won: sum('won'), win_rate: 0.427, impressions: sum('impressions'), clicks: sum('clicks'), conversions: sum('conversions'), budget_micros: sum('budget_micros'), spend_micros: sum('spend_micros'), mean_cpm_micros: 3_820_000, prices: [...prices, { quantile: 0.99, own_cpm_micros: null, market_cpm_micros: 7_900_000 }], pacing: pacing.map((one) => ({ ...one, planned_micros: one.planned_micros * rows.length, spent_micros: one.spent_micros * rows.length })) };
  return { source: 'simulated', campaigns: rows.length, auctions: sum('auctions'), won: sum('won'), win_rate: rows.length > 0 ? 0.427 : null, currencies: rows.length > 0 ? [currency] : [],
    rows: rows.map((one, idx) => ({ campaign: one.id, name: one.name, origin: idx % 2 ? 'people' : 'run', status: one.status, currency: 'USD', auctions: one.auctions, won: one.won, win_rate: one.win_rate, impressions: one.impressions, clicks: one.clicks, mean_cpm_micros: 3_820_000, budget_micros: one.budget_micros, spend_micros: one.spend_micros, planned_micros: 100_000_000, pace: one.spend_micros / 100_000_000, hour: 24 })) };
};

const calibrationOf = (source, ads) => {
  const deciles = Array.from({ length: ads > 0 ? 10 : 0 }, (_, idx) => {
    const predicted = 0.006 * 1.16 ** idx;
    const ctr = predicted * (0.9 + noise(idx + 5) * 0.3);
    return { bin: idx + 1, predicted_low: predicted * 0.96, predicted_high: predicted * 1.05, ads: 5, impressions: 12_000, clicks: Math.round(12_000 * ctr), predicted_ctr: predicted, ctr, ctr_low: ctr * 0.86, ctr_high: ctr * 1.16 };
  });
  const clicks = deciles.reduce((whole, one) => whole + one.clicks, 0);
  const model = (name, ratio) => ({ model: name, ads, impressions: 120_000, clicks, predicted_ctr: 0.0127, ctr: 0.0133, ratio, ratio_low: ratio - 0.04, ratio_high: ratio + 0.04, calibration_error: 0.0009, within_interval: 0.92, deciles });
  return { source, ads, impressions: ads > 0 ? 120_000 : 0, clicks, models: ads > 0 ? [model('all', 0.95), model('click-model 7', 0.97), model('click-model 6', 1.12)] : [] };
};

const imported = (n, changes = {}) => ({
  id: id('01', n), name: `tiktok-november-${n}.csv`, platform: 'tiktok', language: 'en', form: 'ad by day', currency: 'USD', time_zone: 'America/New_York', click_column: 'Clicks (destination)',
  counts: { new: 1204, replaced: 36, unchanged: 12, refused: 2 }, refused: [{ line: 18, index: null, column: 'Clicks', reason: 'number', message: '“1,2x” is no number' }, { line: 207, index: null, column: 'Date', reason: 'date', message: '31 November is no day' }],
  asked: [], unmatched: [{ ad: { id: '17881', name: 'old banner' }, reason: 'unknown' }, { ad: { id: null, name: 'Morning Roast' }, reason: 'ambiguous' }], matched: 6, notes: ['The last row is a total and is left out.'], unread_columns: ['Frequency', 'Result type'], mapping_remembered: true, created_at: ago(3600 * n), ...changes,
});

const observation = (n, source) => ({
  id: id('02', n), source, platform: source === 'imported' ? 'tiktok' : null, ad: { id: `1788${n}`, name: `Morning Roast | g2-${n} | origin`, campaign: 'Autumn', group: 'Maine' }, placement: null, variant: n % 4 === 3 ? null : id('0a', 200_000 + n),
  window: { start: '2026-11-27', end: '2026-11-27', time_zone: 'America/New_York' }, impressions: 20_425 - n * 11, clicks: 333 - n, click_column: 'Clicks (destination)', conversions: 17, revenue: null, spend: { micros: 76_190_000, currency: 'USD' }, watch: [], import: id('01', 1), revision: 1, created_at: ago(3600), updated_at: ago(3600),
});

/** Everything that the answers are made of; tests change it as they like. */
export function world({ role = 'owner', variants = 24, experiments = 6, empty = false, evil = '' } = {}) {
  const text = evil ? { caption: evil, primary: evil, failure: evil, because: evil, fact: evil, file: evil } : {};
  const name = (plain) => evil || plain;
  const run = (n, extra) => ({
    id: id('0c', n), cancelling: false, created_at: ago(n * 4000), events: 41, failure: null, generation: 2, money: { budget_micros: 200_000_000, currency: 'USD', reserved_micros: 30_000_000, settled_micros: 101_270_000 },
    order: { brief: id('0b', n), generations: 2, opportunities: 26_000, seed: 7, variants: Math.min(variants, 12), winners: 4 }, paused: false, stage: 'scoring', stopped: null,
    counts: { drafted: 0, failed: 0, observed: 0, placed: 0, previewed: 3, rejected: 0, rendered: 0, scored: 9, selected: 0, withdrawn: 0, won: 0 }, ...extra,
  });
  const done = { stage: 'finished', stopped: 'completed', counts: { drafted: 0, failed: 1, observed: 4, placed: 4, previewed: 0, rejected: 1, rendered: 0, scored: 6, selected: 0, withdrawn: 0, won: 4 } };
  const list = [
    experiment(1, 'running', 'winner', name('Cold Brew Bags, opening'), name('The origin story gets more clicks than the offer.')),
    experiment(2, 'running', 'undecided', name('Xiaoxianguan, first shot'), name('A hand in the picture gets more clicks.')),
    experiment(3, 'running', 'mismatch', name('Morning Roast, call to action'), name('A verb gets more clicks.')),
    experiment(4, 'stopped', 'guardrail', name('Morning Roast, price in the first shot'), name('A price loses clicks.')),
    experiment(5, 'draft', 'too_early', name('Planned for December'), name('Snow sells.')),
    experiment(6, 'decided', 'winner', name('Decaf, opening'), name('A question wakes people up.'), { decision: { choice: 'adopt', arm: 'B', reason: name('It won, and costs less per click.'), at: ago(3600), agrees: true } }),
    ...Array.from({ length: Math.max(0, experiments - 6) }, (_, idx) => experiment(7 + idx, ['running', 'stopped', 'draft'][idx % 3], ['undecided', 'control', 'too_early'][idx % 3], `Series ${idx + 1} with a name that is a good deal longer than the column it stands in`, 'One more question.')),
  ];
  const state = {
    role,
    session: {
      organization: { id: id('00', 1), name: name('Hill Roasters'), created_at: ago(1e7), frozen_at: null }, demo: false, key: null, key_name: null, person: { id: id('03', 1), email: 'mara@hillroasters.example', name: name('Mara Chen') },
      role, organizations: [{ organization: { id: id('00', 1), name: name('Hill Roasters') }, role }, { organization: { id: id('00', 2), name: name('Harbor Lane') }, role: 'viewer' }], scopes: SCOPES[role] ?? SCOPES.viewer, csrf_token: 'csrf', expires_at: ago(-86_400),
    },
    runs: [run(1), run(2, { stage: 'waiting_for_answers', generation: 1, counts: { ...run(1).counts, previewed: 0, scored: 0 } }), run(3, { stage: 'waiting_for_approval', counts: { ...run(1).counts, drafted: 4, previewed: 0, scored: 0 } }), run(4, done), run(5, { ...done, stopped: 'failed', failure: { code: 'SW0410', message: name('no variant passed the final quality gate'), field: '' } })],
    briefs: [1, 2, 3, 4, 5].map((n) => ({ id: id('0b', n), name: name(['Morning Roast', 'Xiaoxianguan', 'Cold Brew Bags', 'Decaf', 'Espresso'][n - 1]), created_at: ago(n * 5000), locale: 'en-US' })),
    questions: [{ id: 'q1', text: name('Does “within 48 hours” also hold for Alaska and Hawaii?'), field: 'product.facts[2]', default: name('Lower 48 only'), closed: false, answer: null }],
    variants: Array.from({ length: variants }, (_, n) => variant(n, id('0c', 1), 2, text)), parents: Array.from({ length: 12 }, (_, n) => variant(n, id('0c', 1), 1, text)),
    members: [['owner', 'Mara Chen', 'mara'], ['admin', 'Jonas Ohm', 'jonas'], ['editor', '李雯', 'liwen'], ['approver', 'Ada Nwosu', 'ada'], ['analyst', 'Tove Berg', 'tove'], ['viewer', '', 'press']].map(([which, who, mail], idx) => ({ id: id('03', idx + 1), email: `${mail}@hillroasters.example`, name: who ? name(who) : '', role: which, joined_at: ago(idx * 86_400 * 20) })),
    invitations: [{ id: id('04', 1), email: 'sam@hillroasters.example', name: name('Sam'), role: 'editor', state: 'open', created_at: ago(3600), expires_at: ago(-6 * 86_400), accepted_at: null, revoked_at: null }],
    sessions: [{ id: id('05', 1), organization: id('00', 1), created_at: ago(300), expires_at: ago(-80_000), current: true }, { id: id('05', 2), organization: id('00', 1), created_at: ago(90_000), expires_at: ago(-20_000), current: false }],
    audit: Array.from({ length: 140 }, (_, n) => ({ id: id('06', n), at: ago(n * 700), who: { kind: n % 5 === 4 ? 'key' : 'person', id: id('03', 1), name: name(['Mara Chen', 'Jonas Ohm', '李雯', 'Ada Nwosu', 'dashboard'][n % 5]) }, action: ['run.ordered', 'member.role_changed', 'brief.made', 'session.opened', 'key.made'][n % 5], target: { kind: ['run', 'person', 'brief', 'session', 'key'][n % 5], id: id('0c', n) }, before: n % 5 === 1 ? { role: 'viewer' } : null, after: n % 5 === 1 ? { role: name('editor') } : { name: name('x') }, request_id: `req-${n}` })),
    imports: [1, 2, 3].map((n) => imported(n, { name: name(`tiktok-november-${n}.csv`) })),
    preview: imported(9, { id: null, created_at: null, asked: [], ...(evil ? { notes: [evil], unread_columns: [evil], click_column: evil, refused: [{ line: 1, index: null, column: evil, reason: evil, message: evil }], unmatched: [{ ad: { id: evil, name: evil }, reason: 'unknown' }] } : {}) }),
    observations: { imported: Array.from({ length: 40 }, (_, n) => observation(n, 'imported')), simulated: Array.from({ length: 12 }, (_, n) => observation(n, 'simulated')) },
    experiments: list, readouts: new Map(list.filter((one) => one.day > 0).map((one) => [one.id, readouts(one, one.verdict.verdict)])),
    log: [{ kind: 'created', day: 0 }, { kind: 'started', day: 0 }, { kind: 'verdict', day: 7, by: { kind: 'service', id: null, name: null }, text: SENTENCES.winner[0], detail: { sentence: { en: SENTENCES.winner[0], zh: SENTENCES.winner[1] } } }].map((one, idx) => ({ at: ago((14 - idx) * 86_400), by: { kind: 'person', id: id('03', 5), name: name('Tove Berg') }, text: idx === 1 ? name('The brief is approved.') : '', phase: 1, detail: null, ...one })),
    approvals: new Map(), comments: [], shares: [], shared: { token: 'ab'.repeat(32), scope: 'approve' },
    campaigns: [campaignOf(2, 'active'), campaignOf(1, 'ended'), campaignOf(3, 'waiting', { name: name('Cold Brew Bags, generation 1') })],
    views: [{ id: id('0v', 1), name: name('What runs'), address: '/market?status=active', created_at: ago(3600) }],
    ads: variants > 0 ? Array.from({ length: 6 }, (_, n) => ad(n, `${id('0c', 1)}-g2`, id('0a', 200_000 + (n % Math.max(1, Math.min(variants, 12)))))) : [],
    brands: [{ id: id('0k', 1), version: 3, archived: false, created_at: ago(9e6), updated_at: ago(9e4), kit: { name: name('Harbor Lane'), colors: { primary: '#3B2417', accent: '#F2B544' }, tone: 'warm', banned_words: [name('cheap'), name('addictive')], voice: { enabled: true, name: 'am_michael' } }, logo: null, facts: [['small', 'origin', 'Roasted in small batches in Portland, Maine', 'about page'], ['cupped', 'proof', 'Every batch cupped by 3 roasters', 'cupping sheets'], ['smooth', 'benefit', 'Smooth to the last sip, even black', '']].map(([fact, kind, text, source]) => ({ id: fact, kind, text: name(text), ...(source ? { evidence: { source: name(source) } } : {}) })), must_say: [], must_not_say: [] }],
    reports: [], elements: [['hook', 'scene', 0.29, 0.08], ['hook', 'number', 0.12, 0.06], ['hook', 'question', -0.03, 0.09], ['hook', 'contrast', 0.4, 0.6], ['angle', 'story', 0.21, 0.1], ['angle', 'offer', -0.14, 0.07], ['visual_style', 'full_bleed', 0.08, 0.07], ['call_to_action', 'order_now', null, 0]].map(([element, value, lift, half], n) => ({ element, value: element === 'visual_style' ? name(value) : value, variants: 7 - (n % 4), impressions: value === 'contrast' ? 120 : 12_000 - n * 900, clicks: 260 - n * 11, ctr: 0.0217, ctr_low: 0.019, ctr_high: 0.024, lift, lift_low: lift === null ? null : lift - half, lift_high: lift === null ? null : lift + half, p_value: lift === null ? null : 0.008, p_adjusted: lift === null ? null : 0.03, significant: lift !== null && Math.abs(lift) > half && half < 0.5, enough: value !== 'contrast' })),
    webhooks: [{ id: id('07', 1), url: 'https://hooks.hillroasters.example/in', name: name('hooks.hillroasters.example'), events: ['*'], state: 'active', paused_reason: null, failing_since: null, secret_version: 2, previous_secret_until: ago(-86_400), created_at: ago(9e6), updated_at: ago(9e5) }, { id: id('07', 2), url: 'https://old.example/', name: name('old receiver'), events: ['spotwright.run.finished.v1'], state: 'paused', paused_reason: name('It has not answered for 24 hours.'), failing_since: ago(90_000), secret_version: 1, previous_secret_until: null, created_at: ago(9e6), updated_at: ago(9e5) }],
    deliveries: Array.from({ length: 130 }, (_, n) => delivery(n, n === 6 || n === 7 ? 'failed' : n === 0 ? 'waiting' : 'delivered')),
    requests: Array.from({ length: 60 }, (_, n) => ({ id: `req-${n}`, at: ago(n * 9), method: n % 3 ? 'GET' : 'POST', route: ['/v1/runs', '/v1/variants/{id}', '/v1/briefs'][n % 3], status: n % 11 === 10 ? 422 : 200, code: n % 11 === 10 ? 'SW1003' : null, ms: 3 + (n % 20), key: n % 4 ? id('08', 1) : null, person: n % 4 ? null : id('03', n % 8 ? 2 : 1) })),
    events: Array.from({ length: 300 }, (_, n) => ({ position: String(n + 1), event: { specversion: '1.0', id: id('0f', n), source: '/spotwright', type: ['spotwright.variant.scored.v1', 'spotwright.variant.rendered.v1'][n % 2], subject: id('0c', 1), time: ago(3000 - n * 9), sequence: n, data: { variant: id('0a', 200_000 + n), text: name('x') } } })),
    keys: [{ id: id('08', 1), name: name('dashboard'), scopes: ['runs:read'], created_at: ago(9e5), expires_at: null, revoked_at: null }],
  };
  const hash = (n) => noise(n + 90).toString(16).slice(2, 12).padEnd(64, '0a1b2c3d');
  state.hashOf = (which) => (state.changedHash?.[which] ?? hash(Number(which.slice(-6))));
  const person = { kind: 'person', id: id('03', 3), name: name('李雯') };
  for (const [n, which] of [[0, 'waiting'], [6, 'waiting'], [12, 'approved'], [18, 'void']]) {
    const variant = id('0a', 200_000 + n);
    if (!state.variants.some((one) => one.id === variant)) continue;
    const current = state.hashOf(variant);
    state.approvals.set(variant, { variant, run: id('0c', 1), id: id('0g', n), state: which, content_hash: which === 'void' ? '0'.repeat(64) : current, current_hash: current, asked: { at: ago(2040), by: person, note: n === 0 ? name('Before Friday, please.') : null }, decisions: which === 'approved' || which === 'void' ? [{ decision: 'approved', at: ago(600), by: { kind: 'person', id: id('03', 4), name: name('Ada Nwosu') }, note: null }] : [], open_comments: n === 0 ? 2 : 0 });
  }
  const comment = (n, extra) => ({ id: id('0h', n), variant: id('0a', 200_000), run: id('0c', 1), text: name('The price stands too long.'), seconds: 2.4, x: 0.5, y: 0.7, state: 'open', by: person, created_at: ago(900 - n * 60), changed: null, share: null, content_hash: hash(0), outdated: false, ...extra });
  state.comments = [comment(1, {}), comment(2, { text: name('Can the cup be bigger here?'), seconds: 7.8, x: 0.3, y: 0.3, by: { kind: 'reviewer', id: id('0i', 1), name: name('Sam, legal') }, share: id('0i', 1) }), comment(3, { text: name('Music is fine.'), seconds: null, x: null, y: null, state: 'resolved' })];
  state.shares = [{ id: id('0i', 1), name: name('The legal team'), run: id('0c', 1), variants: null, scope: 'comment', state: 'active', created_at: ago(3600), created_by: person, expires_at: ago(-864_000), revoked_at: null }];
  if (empty) {
    for (const key of ['runs', 'briefs', 'variants', 'members', 'invitations', 'audit', 'imports', 'experiments', 'log', 'campaigns', 'ads', 'views', 'brands', 'elements', 'webhooks', 'deliveries', 'requests', 'events', 'keys']) state[key] = [];
    state.observations = { imported: [], simulated: [] };
    state.approvals.clear();
    state.comments = [];
    state.shares = [];
  }
  return state;
}

const RANGE = 'inside 43,64–677,1062';
const GATE = [['frame_count', true, '450', '450'], ['safe_zone', true, 'all inside', RANGE], ['reading_time', true, '0.71 at worst', '1'], ['ai_label_height', true, '0.052', '0.05'], ['ai_metadata', true, 'present', 'present'], ['loudness', true, '-14.1', '-14 ± 1'], ['ssim', true, '0.991 at worst', '0.95'], ['text_contrast', true, '5.2 at worst', '4.5'], ['frozen', true, '0 s', '0.5 s']];

/** What is answered to whom: `METHOD /path/:part`, the first that fits. */
export function routes(state) {
  const find = (rows, which) => rows.find((one) => one.id === which);
  const made = (row, rows) => { rows.unshift(row); return row; };
  const approvalOf = (which) => {
    const current = state.hashOf(which);
    const known = state.approvals.get(which);
    if (!known) return { variant: which, run: id('0c', 1), id: null, state: 'none', content_hash: current, current_hash: current, asked: null, decisions: [], open_comments: 0 };
    return { ...known, current_hash: current, state: known.content_hash === current ? known.state : 'void' };
  };
  const decide = (which, body, by, problem) => {
    const one = approvalOf(which);
    if (body.content_hash !== one.current_hash) return problem(409, 'SW1043', 'content_hash', 'the variant was changed');
    const now = { ...one, state: body.decision, content_hash: one.current_hash, decisions: [...one.decisions, { decision: body.decision, at: ago(0), by, note: body.note ?? null }] };
    state.approvals.set(which, now);
    return now;
  };
  const comment = (which, body, by, share) => made({ id: id('0h', state.comments.length + 10), variant: which, run: id('0c', 1), text: body.text, seconds: body.seconds ?? null, x: body.x ?? null, y: body.y ?? null, state: 'open', by, created_at: ago(0), changed: null, share, content_hash: state.hashOf(which), outdated: false }, state.comments);
  const sharedVariant = (one) => ({ id: one.id, generation: one.generation, number: one.number, primary_text: one.primary_text, content_hash: state.hashOf(one.id), seconds: 15, width: one.storyboard.size.width, height: one.storyboard.size.height, watermarked: true, preview_url: '/v1/none.mp4', poster_url: one.video.poster_url, state: approvalOf(one.id).state, open_comments: state.comments.filter((other) => other.variant === one.id && other.share && other.state === 'open').length });
  const sharedComment = (one) => ({ id: one.id, text: one.text, seconds: one.seconds, x: one.x, y: one.y, state: one.state, by: one.by.name, mine: one.by.kind === 'reviewer', created_at: one.created_at, outdated: one.outdated });
  return {
    // A browser that says which role it has is somebody else.
    'GET /v1/session': ({ as }) => ({ session: as === 'none' ? null : as && state.session ? { ...state.session, role: as, scopes: SCOPES[as], person: { ...state.session.person, id: id('03', 7), name: as } } : state.session }),
    'POST /v1/session': ({ body, problem }) => {
      if (body.password === 'slow down') return problem(429, 'SW1013', 'email', 'too many attempts');
      if (body.password && body.password !== 'correct horse') return problem(401, 'SW1001', 'email', 'e-mail or password is wrong');
      state.session = { ...state.session, ...(state.signedOut ?? {}) };
      return { session: state.session };
    },
    'DELETE /v1/session': () => ({ session: null }),
    'GET /v1/runs': ({ query }) => page(state.runs, query),
    'GET /v1/briefs': ({ query }) => page(state.briefs, query),
    'GET /v1/organization/budget': () => ({ organization: state.session.organization.id, currency: 'USD', cap_micros: 2_000_000_000, committed_micros: 1_417_490_000, free_micros: 582_510_000 }),
    'GET /v1/usage': () => ({ settled: [{ currency: 'USD', source: 'simulated', provider: null, settlements: 31, settled_micros: 1_010_020_000 }, { currency: 'USD', source: 'provider', provider: 'language model', settlements: 12, settled_micros: 31_160_000 }], reserved: [{ currency: 'USD', reserved_micros: 376_310_000 }] }),
    'GET /v1/ledger': ({ query }) => page(Array.from({ length: 120 }, (_, n) => ({ run: id('0c', 1 + (n % 4)), entry: ['reserve', 'settle', 'release'][n % 3], amount_micros: 1_234_567 + n, currency: 'USD', reserve: `r${n}`, source: n % 4 ? 'simulated' : 'provider', provider: n % 4 ? null : 'language model', at: ago(n * 50) })), query),
    'GET /v1/runs/:id': ({ id: which }) => find(state.runs, which),
    'GET /v1/runs/:id/variants': ({ id: which, query }) => page([...state.parents, ...state.variants].filter((one) => one.run === which).filter((one) => !query.get('state') || one.state === query.get('state')).map(summary), query),
    'GET /v1/runs/:id/campaigns': ({ id: which }) => ({ data: which === id('0c', 1) && state.variants.length > 0 ? [{ campaign: 'g2', generation: 2, source: 'simulated', impressions: 61_000, clicks: 812, spend_micros: 228_000_000, placements: state.variants.slice(0, 40).filter((one) => one.placement).map((one) => ({ ...one.placement, variant: one.id })) }] : [] }),
    'GET /v1/runs/:id/questions': ({ id: which }) => ({ questions: which === (state.askedBy ?? id('0c', 2)) ? state.questions : [] }),
    'GET /v1/runs/:id/trace': ({ id: which, query }) => page(which === id('0c', 1) ? state.variants.slice(0, 20).map((one, n) => ({ order: String(n).padStart(6, '0'), generation: 2, what: 'variant.rendered', variant: one.id, detail: { gate: { pass: true, checks: GATE.map(([check, pass, value, limit]) => ({ id: check, pass, value, limit })) } } })) : [], query),
    'GET /v1/variants/:id': ({ id: which }) => find(state.variants, which) ?? find(state.parents, which),
    'GET /v1/members': ({ query }) => page(state.members, query),
    'PUT /v1/members/:id/role': ({ id: which, body, problem }) => {
      const member = find(state.members, which);
      if (member.role === 'owner') return problem(409, 'SW1031', 'role', 'the last owner can neither be removed nor be given another role');
      member.role = body.role;
      return member;
    },
    'DELETE /v1/members/:id': ({ id: which }) => state.members.splice(state.members.findIndex((one) => one.id === which), 1)[0],
    'GET /v1/invitations': ({ query }) => page(state.invitations, query),
    'POST /v1/invitations': ({ body, problem }) => {
      if (state.members.some((one) => one.email === body.email)) return problem(409, 'SW1032', 'email', 'is a member already');
      const invitation = made({ id: id('04', state.invitations.length + 2), name: null, ...body, state: 'open', created_at: ago(0), expires_at: ago(-604_800), accepted_at: null, revoked_at: null }, state.invitations);
      return { status: 201, body: { invitation, token: 'inv_secret', link: '/portal/join#token=inv_secret' } };
    },
    'POST /v1/invitations/look': ({ body, problem }) => (body.token === 'inv_secret' ? { organization: state.session.organization, email: 'sam@hillroasters.example', name: 'Sam', role: 'editor', known: false, expires_at: ago(-604_800) } : problem(401, 'SW1001', 'token', 'unknown, used, revoked or expired')),
    'POST /v1/invitations/accept': ({ body, problem }) => (body.password.length < 10 ? problem(400, 'SW1006', 'password', 'has 10 to 256 characters') : { session: state.session }),
    'POST /v1/invitations/:id/revoke': ({ id: which }) => Object.assign(find(state.invitations, which), { state: 'revoked' }),
    'GET /v1/me/sessions': () => ({ data: state.sessions }),
    'DELETE /v1/me/sessions/:id': ({ id: which }) => state.sessions.splice(state.sessions.findIndex((one) => one.id === which), 1)[0],
    'PUT /v1/me/password': ({ body, problem }) => (body.current === 'correct horse' ? { ended_sessions: 1 } : problem(401, 'SW1001', 'current', 'is wrong')),
    'GET /v1/audit-log': ({ query }) => page(state.audit.filter((one) => (!query.get('action') || one.action === query.get('action')) && (!query.get('target') || one.target.id === query.get('target'))), query),
    'GET /v1/api-keys': ({ query }) => page(state.keys, query),
    'POST /v1/imports': ({ query }) => {
      const answers = { currency: query.get('currency'), time_zone: query.get('time_zone') };
      const asked = (state.preview.asks ?? []).filter((one) => !answers[one.asked]);
      if (query.get('dry_run') === 'true' || asked.length > 0) return { ...state.preview, name: query.get('name'), asked };
      return { status: 201, body: made({ ...state.preview, id: id('01', 99), name: query.get('name'), created_at: ago(0) }, state.imports) };
    },
    'GET /v1/imports': ({ query }) => page(state.imports, query),
    'GET /v1/observations': ({ query }) => page(state.observations[query.get('source')] ?? [], query),
    'POST /v1/experiments/plan': ({ body }) => {
      const n = Math.ceil((32 * (1 - body.baseline)) / (body.baseline * body.smallest_effect ** 2));
      const total = n * body.weights.length;
      return { units: body.weights.map(() => n), total, days: Math.ceil(total / body.units_per_day), smallest_effect: body.smallest_effect, alpha_of_each: body.alpha / (body.weights.length - 1), tuning: 0.1 };
    },
    'GET /v1/approvals': ({ query }) => page([...state.approvals.values()].filter((one) => (!query.get('state') || one.state === query.get('state')) && (!query.get('run') || one.run === query.get('run'))), query),
    'GET /v1/variants/:id/approval': ({ id: which }) => approvalOf(which),
    'POST /v1/variants/:id/approval': ({ id: which, body }) => {
      const one = { ...approvalOf(which), state: 'waiting', asked: { at: ago(0), by: { kind: 'person', id: id('03', 1), name: 'Mara Chen' }, note: body.note ?? null } };
      state.approvals.set(which, one);
      return one;
    },
    'POST /v1/variants/:id/approval/decisions': ({ id: which, body, problem }) => decide(which, body, { kind: 'person', id: id('03', 1), name: 'Mara Chen' }, problem),
    'GET /v1/variants/:id/comments': ({ id: which, query }) => page(state.comments.filter((one) => one.variant === which), query),
    'POST /v1/variants/:id/comments': ({ id: which, body }) => ({ status: 201, body: comment(which, body, { kind: 'person', id: id('03', 1), name: 'Mara Chen' }, body.share ?? null) }),
    'POST /v1/comments/:id/:deed': ({ id: which, deed }) => Object.assign(find(state.comments, which), { state: deed === 'resolve' ? 'resolved' : 'open' }),
    'GET /v1/shares': ({ query }) => page(state.shares.filter((one) => !query.get('run') || one.run === query.get('run')), query),
    'POST /v1/shares': ({ body }) => ({ status: 201, body: { share: made({ id: id('0i', state.shares.length + 5), variants: null, ...body, state: 'active', created_at: ago(0), created_by: { kind: 'person', id: id('03', 1), name: 'Mara Chen' }, expires_at: ago(-body.expires_in_seconds), revoked_at: null }, state.shares), token: state.shared.token } }),
    'POST /v1/shares/:id/revoke': ({ id: which }) => Object.assign(find(state.shares, which), { state: 'revoked', revoked_at: ago(0) }),
    'GET /v1/shared/:token': ({ token }) => (token === state.shared.token ? { name: 'The legal team', organization: state.session?.organization.name ?? 'Hill Roasters', scope: state.shared.scope, expires_at: ago(-864_000), variants: state.variants.filter((one) => one.video).map(sharedVariant) } : undefined),
    'GET /v1/shared/:token/variants/:id/comments': ({ id: which, query }) => page(state.comments.filter((one) => one.variant === which && one.share).map(sharedComment), query),
    'POST /v1/shared/:token/variants/:id/comments': ({ id: which, body }) => ({ status: 201, body: sharedComment(comment(which, body, { kind: 'reviewer', id: id('0i', 1), name: body.reviewer }, id('0i', 1))) }),
    'POST /v1/shared/:token/variants/:id/decisions': ({ id: which, body, problem }) => {
      const result = decide(which, body, { kind: 'reviewer', id: id('0i', 1), name: body.reviewer }, problem);
      return result.status ? result : sharedVariant(find(state.variants, which));
    },
    'GET /v1/insight/market': ({ query }) => marketOf(state, query),
    'GET /v1/insight/calibration': ({ query }) => calibrationOf(query.get('source'), query.get('source') === 'imported' || state.campaigns.length === 0 ? 0 : 48),
    'GET /v1/campaigns': ({ query }) => page(state.campaigns.filter((one) => (!query.get('status') || one.status === query.get('status')) && (!query.get('run') || one.run === query.get('run'))), query),
    'POST /v1/campaigns': ({ query, body, problem }) => {
      if (body.variants.includes(state.noAd)) return problem(422, 'SW1060', `variants[${body.variants.indexOf(state.noAd)}]`, 'the variant was rejected and cannot be an ad');
      const days = body.schedule.days;
      const budget = Math.min(body.budget.total_micros ?? Infinity, (body.budget.daily_micros ?? Infinity) * days);
      if (query.get('dry_run') === 'estimate') return { object: 'campaign_estimate', source: 'simulated', currency: 'USD', ads: body.variants.length, days, budget_micros: budget, impressions: { low: 21_000, expected: 30_000, high: 41_000 }, clicks: { low: 300, expected: 480, high: 700 }, spend: { low_micros: Math.round(budget * 0.45), expected_micros: Math.round(budget * 0.75), high_micros: budget }, reaches_budget: true, basis: 'run', measured_campaigns: [{ campaign: `${id('0c', 1)}-g1`, auctions: 20_000, impressions: 4100, clicks: 80, spend_micros: 21_000_000, win_rate: 0.31, mean_cpm_micros: 5_100_000 }] };
      const one = campaignOf(0, 'waiting', { id: `${body.run}-c1`, run: body.run, name: body.name ?? 'Morning Roast', origin: 'people', objective: body.objective ?? 'clicks', budget_micros: budget, ads: body.variants.length, plan: { bid_strategy: body.bid_strategy ?? 'maximize_clicks', daily_micros: body.budget.daily_micros ?? null, total_micros: body.budget.total_micros ?? null, seed: body.market.seed, opportunities_per_day: body.market.opportunities_per_day, starts_at: body.schedule.starts_at ?? ago(0), days, day_seconds: body.schedule.day_seconds, days_played: 0, stopped_because: null } });
      return { status: 201, body: made(one, state.campaigns) };
    },
    'GET /v1/views': ({ query }) => page(state.views, query),
    'POST /v1/views': ({ body, problem }) => (/^\/(?![\/\\])/.test(body.address) ? { status: 201, body: made({ id: id('0v', state.views.length + 10), created_at: ago(0), ...body }, state.views) } : problem(400, 'SW1006', 'address', 'must be a path of the portal')),
    'DELETE /v1/views/:id': ({ id: which }) => state.views.splice(state.views.findIndex((one) => one.id === which), 1)[0],
    'DELETE /v1/organization/demo': ({ problem }) => {
      if (!state.session?.demo) return problem(404, 'SW1003', null, 'this organization is no demo; nothing was removed');
      const { organization } = state.session;
      state.session = null;
      return { ...organization, frozen_at: ago(0) };
    },
    'GET /v1/campaigns/:id': ({ id: which }) => find(state.campaigns, which),
    'GET /v1/campaigns/:id/ads': ({ id: which }) => ({ data: state.ads.filter((one) => one.campaign === which) }),
    'GET /v1/campaigns/:id/delivery': ({ id: which }) => { const one = find(state.campaigns, which); return one?.auctions ? deliveryOf(one) : undefined; },
    'POST /v1/campaigns/:id/:deed': ({ id: which, deed }) => Object.assign(find(state.campaigns, which), { status: { pause: 'paused', resume: 'active', end: 'ended' }[deed], allowed: { pause: ['resume', 'end'], resume: ['pause', 'end'], end: [] }[deed] }),
    'POST /v1/ads/:id/:deed': ({ id: which, deed }) => Object.assign(find(state.ads, which), { status: { pause: 'paused', resume: 'active', end: 'ended' }[deed], allowed: { pause: ['resume', 'end'], resume: ['pause', 'end'], end: [] }[deed] }),
    'GET /v1/brands': ({ query }) => page(state.brands.filter((one) => String(one.archived) === (query.get('archived') ?? 'false')), query),
    'POST /v1/brands': ({ body }) => ({ status: 201, body: made({ id: id('0k', 9), version: 1, archived: false, created_at: ago(0), updated_at: ago(0), ...body }, state.brands) }),
    'GET /v1/brands/:id': ({ id: which }) => { const one = find(state.brands, which); return one && { status: 200, body: one, tag: `"v${one.version}"` }; },
    'PUT /v1/brands/:id': ({ id: which, body, match, problem }) => {
      const one = find(state.brands, which);
      if (match !== `"v${one.version}"`) return problem(412, 'SW1042', null, 'the brand was changed meanwhile');
      Object.assign(one, body, { version: one.version + 1 });
      return { status: 200, body: one, tag: `"v${one.version}"` };
    },
    'POST /v1/brands/:id/:deed': ({ id: which, deed }) => Object.assign(find(state.brands, which), { archived: deed === 'archive' }),
    'POST /v1/runs': ({ query, body }) => {
      const cap = Math.min(200_000_000, body.max_spend?.amount_micros ?? 200_000_000);
      if (query.get('dry_run') === 'estimate') {
        const cost = Math.min(cap, body.generations * body.variants * 9_000_000);
        return { object: 'run_estimate', currency: 'USD', budget_micros: 200_000_000, max_spend_micros: body.max_spend?.amount_micros ?? null, cap_micros: cap, cost: { low_micros: Math.round(cost * 0.8), expected_micros: Math.round(cost * 0.9), high_micros: cost }, reaches_cap: cost === cap, seconds: { low: 14, expected: 21, high: 40 }, basis: 'measured', work: [{ kind: 'language_model', provider: 'openai', calls: { low: 3, expected: 4, high: 9 }, quote_micros: 21_000, low_micros: 0, expected_micros: 84_000, high_micros: 189_000, basis: 'measured' }, { kind: 'media', provider: null, calls: null, quote_micros: null, low_micros: Math.round(cost * 0.8), expected_micros: Math.round(cost * 0.9), high_micros: cost, basis: 'budget' }], measured_runs: [{ run: id('0c', 4), spent_micros: 18_100_000, media_micros: 18_000_000, seconds: 19.2 }] };
      }
      return { status: 201, body: made({ ...state.runs[0], id: id('0c', 77), order: { ...state.runs[0].order, ...body } }, state.runs) };
    },
    'POST /v1/assets': ({ query }) => ({ status: 201, body: { id: id('0w', 1), name: query.get('name'), width: 600, height: 400, bytes: 90_000, hash: 'ab'.repeat(32), created_at: ago(0) } }),
    'POST /v1/briefs': () => ({ status: 201, body: state.briefs[0] }),
    'POST /v1/briefs/check': () => ({ ok: true }),
    'GET /v1/briefs/:id': ({ id: which }) => { const one = find(state.briefs, which); return one && { id: which, created_at: one.created_at, assets: {}, brief: { id: 'morning-roast', locale: 'en-US', brand: { name: 'Harbor Lane', colors: { primary: '#3B2417', accent: '#F2B544' }, tone: 'warm' }, product: { name: one.name, category: 'coffee', facts: [{ id: 'small', kind: 'origin', text: 'Roasted in small batches in Portland, Maine', evidence: { source: 'about page' } }], pictures: [] }, audience: { description: 'People who brew at home' }, objective: 'clicks', budget: { total: '200.00', currency: 'USD' }, destination_url: 'https://example.com/', call_to_action: 'order_now', placements: ['tiktok_in_feed'] } }; },
    'GET /v1/reports': ({ query }) => page(state.reports, query),
    'POST /v1/reports': ({ body }) => {
      const report = made({ id: id('0l', state.reports.length + 1), ...body, state: 'queued', rows: null, bytes: null, created_at: ago(0), expires_at: null, download: null }, state.reports);
      return { status: 202, body: { operation: { id: report.id, kind: 'report', stage: 'queued', progress: 0, deadline: null, error: null, retryable: false, charge_micros: 0, result: null, created_at: ago(0), ended_at: null }, report } };
    },
    'GET /v1/operations/:id': ({ id: which }) => {
      const report = find(state.reports, which);
      const step = (report.asked = (report.asked ?? 0) + 1);
      if (step > 1) Object.assign(report, { state: 'done', rows: state.elements.length, bytes: 900, expires_at: ago(-86_400), download: `/v1/reports/${which}/content` });
      return { id: which, kind: 'report', stage: step > 1 ? 'done' : 'running', progress: step > 1 ? 1 : 0.4, deadline: null, error: null, retryable: false, charge_micros: 0, result: step > 1 ? which : null, created_at: ago(0), ended_at: null };
    },
    'GET /v1/reports/:id': ({ id: which }) => find(state.reports, which),
    'GET /v1/reports/:id/content': ({ id: which }) => ({ status: 200, body: { columns: [], data: state.elements.map((one) => ({ source: find(state.reports, which).filters.source, ...one })) } }),
    'GET /v1/experiments': ({ query }) => page(state.experiments, query),
    'POST /v1/experiments': ({ body, problem }) => {
      if (body.arms[1]?.variant === state.noArm) return problem(422, 'SW1052', 'arms[1].variant', 'the variant was withdrawn and cannot be an arm');
      const { name, run, arms, holdout, hypothesis, ...design } = body;
      return { status: 201, body: made({ ...experiment(900, 'draft', 'too_early', name, hypothesis), run, design: { ...design, hypothesis, arms: arms.map((arm, idx) => ({ name: arm.name, variant: arm.variant, role: idx === 0 ? 'control' : 'treatment' })), conversion_value_micros: null }, phases: [{ phase: 1, from_day: 1, weights: arms.map((arm) => arm.weight), holdout }] }, state.experiments) };
    },
    'GET /v1/experiments/:id': ({ id: which }) => find(state.experiments, which),
    'GET /v1/experiments/:id/readouts': ({ id: which }) => ({ data: state.readouts.get(which) ?? [], next_cursor: null, has_more: false }),
    'GET /v1/experiments/:id/decisions': () => ({ data: state.log, next_cursor: null, has_more: false }),
    'POST /v1/experiments/:id/:deed': ({ id: which, deed, body = {}, problem }) => {
      const one = find(state.experiments, which);
      const to = { start: 'running', pause: 'paused', resume: 'running', stop: 'stopped', decide: 'decided', archive: 'archived', allocation: one.state }[deed];
      if (deed === 'start' && one.state !== 'draft') return problem(409, 'SW1050', null, `the experiment is ${one.state}`);
      if (deed === 'decide' && one.srm_alarm && body.choice !== 'inconclusive') return problem(409, 'SW1051', 'choice', 'the split is off');
      if (deed === 'decide') one.decision = { choice: body.choice, arm: body.arm ?? null, reason: body.reason, at: ago(0), agrees: body.choice === 'adopt' };
      if (deed === 'allocation') one.phases.push({ phase: one.phases.length + 1, from_day: one.day + 1, weights: body.weights, holdout: body.holdout });
      state.log.push({ at: ago(0), by: { kind: 'person', id: id('03', 1), name: 'Mara Chen' }, kind: { start: 'started', pause: 'paused', resume: 'resumed', stop: 'stopped', decide: 'decided', archive: 'archived', allocation: 'reallocated' }[deed], text: body.reason ?? '', phase: 1, day: one.day, detail: null });
      return Object.assign(one, { state: to });
    },
    'GET /v1/webhooks': ({ query }) => page(state.webhooks, query),
    'POST /v1/webhooks': ({ body, problem }) => (body.url.startsWith('https://') ? { status: 201, body: { webhook: made({ ...state.webhooks[0], ...body, id: id('07', 9), state: 'active' }, state.webhooks), secret: 'whsec_shown_once' } } : problem(422, 'SW0133', 'url', 'begins with https://')),
    'GET /v1/webhooks/:id': ({ id: which }) => find(state.webhooks, which),
    'PUT /v1/webhooks/:id': ({ id: which, body }) => Object.assign(find(state.webhooks, which), { url: body.url, name: body.name, events: body.events, state: body.enabled ? 'active' : 'disabled', paused_reason: null }),
    'DELETE /v1/webhooks/:id': ({ id: which }) => { state.webhooks.splice(state.webhooks.findIndex((one) => one.id === which), 1); return { status: 204 }; },
    'POST /v1/webhooks/:id/rotate': ({ id: which }) => ({ webhook: find(state.webhooks, which), secret: 'whsec_shown_twice' }),
    'POST /v1/webhooks/:id/test': () => ({ message: id('0d', 900), taken: true, attempt: { at: ago(0), ms: 71, status: 200, answer: 'ok', error: null } }),
    'GET /v1/webhooks/:id/deliveries': ({ query }) => page(state.deliveries.filter((one) => !query.get('state') || one.state === query.get('state')), query),
    'POST /v1/webhooks/:id/deliveries/:delivery/replay': ({ delivery: which }) => Object.assign(find(state.deliveries, which), { state: 'waiting' }),
    'GET /v1/requests': ({ query }) => page(state.requests, query),
    'GET /v1/events': ({ query }) => { const rows = page(state.events.filter((one) => !query.get('types') || query.get('types').includes(one.event.type)), query); return { ...rows, next_cursor: rows.next_cursor ?? 'end' }; },
  };
}
