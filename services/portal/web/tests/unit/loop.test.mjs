// What pages derive from read-outs, brands and comments.
import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './bundle.mjs';

// What is state in the browser is a plain value here: nothing is drawn.
globalThis.$state = Object.assign((value) => value, { raw: (value) => value });
globalThis.$derived = Object.assign((value) => value, { by: (make) => make() });
const readouts = await load('src/lib/readouts.ts');
const brands = await load('src/lib/brands.ts');
const review = await load('src/lib/review.ts');

const point = (day, low, high) => ({ day, lift: (low + high) / 2, low, high, p: undefined });

test('an interval is clear of zero from the day on which it stays so', () => {
  assert.equal(readouts.clearSince([point(1, -0.1, 0.5), point(2, 0.1, 0.5), point(3, -0.01, 0.4), point(4, 0.02, 0.4), point(5, 0.1, 0.3)]).day, 4);
  assert.equal(readouts.clearSince([point(1, -0.5, -0.1), point(2, -0.4, -0.1)]).day, 1, 'below zero is clear too');
  assert.equal(readouts.clearSince([point(1, 0.1, 0.5), point(2, -0.1, 0.5)]), undefined);
});

test('shares are told against the plan with the holdout in it, and the alarm narrows as people come', () => {
  const day = (phase_day, units) => ({ phase_day, arms: units.map((n, idx) => ({ name: String(idx), units: n, weight: [0.45, 0.45, 0.1][idx] })) });
  const [first, later] = readouts.splits([day(1, [450, 450, 100]), day(4, [1900, 1700, 400])]);
  assert.ok(first.off.every((share) => Math.abs(share) < 1e-12));
  assert.ok(Math.abs(later.off[0] - 0.025) < 1e-12 && Math.abs(later.off[1] + 0.025) < 1e-12);
  // 3.2905 · √(0.45 · 0.55 / 4,000)
  assert.ok(Math.abs(later.alarm - 0.025883) < 1e-5, String(later.alarm));
  assert.ok(Math.abs(first.alarm / later.alarm - 2) < 1e-9);
});

test('less is better for costs', () => {
  assert.deepEqual(['ctr', 'cvr', 'cpc', 'cpa', 'revenue_per_impression'].map(readouts.goalOf), ['increase', 'increase', 'decrease', 'decrease', 'increase']);
  assert.ok(readouts.isBetter(-0.1, 'decrease') && !readouts.isBetter(0.1, 'decrease') && readouts.isBetter(0.1, 'increase'));
});

test('an experiment stands where it asks for something', () => {
  const one = (state, verdict) => readouts.columnOf({ state, verdict: verdict && { verdict } });
  assert.deepEqual(
    [one('draft'), one('running'), one('running', 'too_early'), one('running', 'winner'), one('paused', 'mismatch'), one('stopped', 'undecided'), one('decided', 'winner'), one('archived')],
    ['planned', 'running', 'running', 'due', 'due', 'due', 'learnt', 'learnt'],
  );
});

test('a brand goes through the form and back unchanged, and a new fact gets a name of its own', () => {
  const brand = { id: 'b', version: 1, archived: false, created_at: '', updated_at: '', kit: { name: 'Harbor Lane', colors: { primary: '#3B2417', accent: '#F2B544' }, tone: 'warm', banned_words: ['cheap'], voice: { enabled: true, name: 'am_michael', pronunciations: [{ written: 'Huila', spoken: 'wee-la' }] } }, facts: [{ id: 'small', kind: 'origin', text: 'Small batches', evidence: { source: 'about', quote: 'in small batches' } }], must_say: [], must_not_say: ['best'] };
  const { kit, facts, must_say, must_not_say } = brand;
  assert.deepEqual(brands.bodyOf(brands.draftOf(brand)), { kit, facts, must_say, must_not_say });
  const draft = brands.draftOf(brand);
  draft.facts.push({ id: '', kind: 'proof', text: 'Small', source: '', quote: '' }, { id: '', kind: 'proof', text: '每批杯测', source: '', quote: '' }, { id: '', kind: 'proof', text: ' ', source: '', quote: '' });
  assert.deepEqual(brands.bodyOf(draft).facts.map((fact) => fact.id), ['small', 'small-2', 'fact-3']);
});

test('what differs between two versions is named, nothing else', () => {
  const [mine, theirs] = [brands.draftOf(undefined), brands.draftOf(undefined)];
  assert.deepEqual(brands.differences(mine, theirs), []);
  theirs.tone = 'bold';
  theirs.facts = [{ id: 'a', kind: 'proof', text: 'Cupped', source: '', quote: '' }];
  assert.deepEqual(brands.differences(mine, theirs).map((one) => [one.part, one.theirs]), [['tone', 'bold'], ['facts', 'Cupped']]);
});

test('contrast agrees with WCAG at its ends', () => {
  assert.equal(brands.contrast('#000000', '#FFFFFF').toFixed(1), '21.0');
  assert.equal(brands.contrast('#777777', '#777777').toFixed(1), '1.0');
  // #767676 on white is the lightest gray that passes 4.5.
  assert.ok(brands.contrast('#767676', '#FFFFFF') >= 4.5 && brands.contrast('#777777', '#FFFFFF') < 4.5);
});

test('comments are numbered in the order in which they were said', () => {
  const said = (id, created_at, extra = {}) => ({ id, created_at, text: id, state: 'open', by: { kind: 'person', name: 'Ada' }, seconds: null, x: null, y: null, share: null, outdated: false, ...extra });
  const notes = review.notesOf([said('b', '2026-11-28T09:01:00Z', { x: 0, y: 0, seconds: 0 }), said('a', '2026-11-28T09:00:00Z')]);
  assert.deepEqual(notes.map((one) => [one.id, one.n]), [['a', 1], ['b', 2]]);
  assert.deepEqual([notes[0].at, notes[1].at, notes[1].seconds], [undefined, { x: 0, y: 0 }, 0], 'the left upper corner at the first second is a place');
});

test('a second is told with its tenth', () => {
  assert.deepEqual([0, 2.44, 59.96, 61.5].map(review.timecode), ['0:00.0', '0:02.4', '1:00.0', '1:01.5']);
});
