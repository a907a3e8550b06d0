import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './bundle.mjs';

const { changesOf, fieldsOf, isNothing, moved, pieces } = await load('src/lib/revisions.ts');

const line = (caption) => ({ role: 'body', caption, detail: '', rests_on: [], provenance: {} });
const shot = (layout) => ({ layout, motion: 'push_in', caption_motion: 'words', picture: 'a', frames: 90, button: '' });
const variant = {
  script: { lines: ['one', 'two', 'three', 'four'].map(line) },
  storyboard: { shots: [shot('card'), shot('poster'), shot('framed'), { ...shot('end_card'), button: 'Shop now' }] },
};

test('fields that are not touched change nothing', () => {
  const was = fieldsOf(variant);
  assert.equal(isNothing(changesOf(was, structuredClone(was))), true);
  assert.deepEqual([was.style, was.button, was.order], ['editorial', 'Shop now', [0, 1, 2, 3]]);
});

test('changes hold what differs, by the numbers of the original', () => {
  const was = fieldsOf(variant);
  const now = structuredClone(was);
  now.lines[2].caption = 'three and more';
  now.shots[1].frames = 120;
  now.order = moved(now.order, 1, 1);
  now.style = 'sale';
  assert.deepEqual(changesOf(was, now), { lines: [{ line: 2, caption: 'three and more' }], shots: [{ shot: 1, frames: 120 }], order: [0, 2, 1, 3], style: 'sale' });
});

test('the first and the last shot stay, and nothing moves past them', () => {
  const order = [0, 1, 2, 3];
  for (const [number, by] of [[0, 1], [0, -1], [3, -1], [3, 1], [1, -1], [2, 1], [9, 1]]) assert.deepEqual(moved(order, number, by), order, `${number} by ${by}`);
  assert.deepEqual(moved(order, 2, -1), [0, 2, 1, 3]);
  assert.deepEqual(order, [0, 1, 2, 3], 'the order itself stays as it is');
});

test('texts side by side lose nothing of either', () => {
  for (const [before, after] of [['Slow coffee, good morning', 'Slow tea, very good morning'], ['手冲咖啡更香', '手冲咖啡真香'], ['', 'new'], ['old', ''], ['a b', 'a b']]) {
    const found = pieces(before, after);
    const of = (kind) => found.filter((piece) => piece.kind === 'same' || piece.kind === kind).map((piece) => piece.text).join('');
    assert.deepEqual([of('gone'), of('new')], [before, after]);
  }
  assert.deepEqual(pieces('手冲咖啡更香', '手冲咖啡真香').filter((piece) => piece.kind !== 'same').map((piece) => piece.text), ['更', '真']);
});
