// A storyboard that is edited, over made-up answers: what is typed is checked, kept, undone, compared and made.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, violations } from './browser.mjs';
import { start } from './mock.mjs';

const RUN = '0c000000-0000-7000-8000-000000000001';
const VARIANT = '0a000000-0000-7000-8000-000000200000';
const MADE = '0c000000-0000-7000-8000-000000000002';
const EDITOR = `/portal/runs/${RUN}/storyboard/${VARIANT}`;
const button = (name) => `::-p-aria([name="${name}"][role="button"])`;

let chromium;
const worlds = [];
before(async () => (chromium = await launch()));
after(async () => {
  await chromium?.close();
  await Promise.all(worlds.map((one) => one.stop()));
});

const room = (text, limit) => ({ characters: [...text].length, limit, lines: text ? 2 : null, ink: text ? [60, 800, 600, 120] : null });

/** What the service answers to a check: the word "cheap" stops an edit. */
function checked(world, changes) {
  const one = world.state.variants.find((variant) => variant.id === VARIANT);
  const captions = one.script.lines.map((line, idx) => changes.lines?.find((change) => change.line === idx)?.caption ?? line.caption);
  const findings = captions.flatMap((caption, idx) => (caption.includes('cheap') ? [{ field: `lines[${idx}].caption`, rule: 'banned_word', severity: 'error', subject: 'cheap', message: 'the brand does not want this word', law: '', span: [caption.indexOf('cheap'), caption.indexOf('cheap') + 5], rewrite: 'small' }] : []));
  const order = changes.order ?? captions.map((_, idx) => idx);
  const fits = order.map((shot) => ({ shot, frames: one.storyboard.shots[shot].frames, least_frames: 60, most_frames: 240, caption: room(captions[shot], 56), detail: room('', 72), fault: null }));
  return { pass: findings.length === 0, findings, fits, buttons: ['Order now', 'Shop now', 'Learn more'], pictures: [], script: null, storyboard: null };
}

/** A page of the editor; `offline` lets checks fail, `orders` are what was asked to be made. */
async function editor(options = {}) {
  const world = await start();
  worlds.push(world);
  const opened = await open(chromium.browser, options);
  const { page, expected } = opened;
  expected.push('404 (Not Found)', '503');
  const service = { offline: false, orders: [], world };
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (request.method() !== 'POST' || !path.endsWith('/revisions')) return void request.continue();
    const body = JSON.parse(request.postData());
    const respond = (status, answer, type = 'application/json') => void request.respond({ status, contentType: type, body: JSON.stringify(answer) });
    if (service.offline) return respond(503, { type: '/errors/SW1012', title: 'Unavailable', status: 503, code: 'SW1012', detail: 'try again', request_id: 'r', retryable: true }, 'application/problem+json');
    if (body.check) return respond(200, checked(world, body.changes));
    service.orders.push({ body, key: request.headers()['idempotency-key'] });
    return respond(201, { ...world.state.runs[0], id: MADE, revises: { variant: VARIANT, run: RUN } });
  });
  await page.goto(world.url + EDITOR);
  return { ...opened, service };
}

async function sees(page, words) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: 15_000, polling: 100 }, words).catch(async () => {
    throw new Error(`"${words}" did not appear on ${page.url()}:\n${(await page.evaluate(() => document.body.innerText)).slice(0, 2500)}`);
  });
}
const press = async (page, selector) => (await page.waitForSelector(selector, { visible: true })).click();

async function retype(page, label, text) {
  const field = await page.waitForSelector(`textarea[id$="-${label}"]`, { visible: true });
  await field.click();
  await page.keyboard.down('Control');
  await page.keyboard.press('KeyA');
  await page.keyboard.up('Control');
  await field.type(text);
}
const value = (page, label) => page.$eval(`textarea[id$="-${label}"]`, (field) => field.value);

test('words are checked as they are typed, undone, compared and made into another variant', async () => {
  const { page, errors, context, service } = await editor();
  await press(page, button('Edit'));
  await page.waitForSelector('textarea');
  const before = await value(page, 'caption');
  await retype(page, 'caption', 'A cheap morning');
  await sees(page, 'the brand does not want this word');
  await sees(page, '15 of 56 characters · 2 lines as rendered');
  assert.ok(await page.$('button.btn.p[disabled]'), 'what a rule stops cannot be made');
  await press(page, button('Say “small”'));
  await sees(page, 'Keeps every rule');
  assert.equal(await value(page, 'caption'), 'A small morning');
  await press(page, button('Undo'));
  await press(page, button('Undo'));
  assert.equal(await value(page, 'caption'), before);
  await press(page, button('Redo'));
  await press(page, button('Redo'));
  await sees(page, 'Keeps every rule');
  await press(page, button('Make this variant'));
  const words = await page.$eval('.dialog', (dialog) => ({ gone: [...dialog.querySelectorAll('del')].map((one) => one.textContent).join(''), added: [...dialog.querySelectorAll('ins')].map((one) => one.textContent).join('') }));
  assert.ok(words.added.includes('small') && words.gone.length > 0, JSON.stringify(words));
  const [make] = await page.$$('.dialog .btn.p');
  await make.click();
  await page.waitForFunction((run) => location.pathname.endsWith(`/runs/${run}`), {}, MADE);
  assert.equal(service.orders.length, 1);
  assert.deepEqual(service.orders[0].body.changes, { lines: [{ line: 0, caption: 'A small morning' }] });
  assert.ok(service.orders[0].key.length > 10);
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('spotwright.edit.')).length), 0, 'what was made is no draft any more');
  assert.deepEqual(errors, []);
  await context.close();
});

test('nothing typed is lost by a reload or a service that does not answer', async () => {
  const { page, errors, context, service } = await editor();
  await press(page, button('Edit'));
  service.offline = true;
  await retype(page, 'caption', 'Slow coffee');
  await sees(page, 'Not checked');
  await sees(page, 'What you typed is kept in this browser');
  service.offline = false;
  await page.reload();
  await sees(page, 'Keeps every rule');
  assert.equal(await value(page, 'caption'), 'Slow coffee');
  await press(page, button('Discard changes'));
  await sees(page, 'Stop editing');
  await page.reload();
  await page.waitForSelector(button('Edit'));
  assert.deepEqual(errors, []);
  await context.close();
});

test('middle shots move by buttons and keys, and the ends stay', async () => {
  const { page, errors, context, service } = await editor();
  await press(page, button('Edit'));
  const order = () => page.$$eval('[data-shot]', (rows) => rows.map((row) => row.dataset.shot).join(''));
  assert.equal(await order(), '0123');
  await press(page, button('Move shot 2 down'));
  assert.equal(await order(), '0213');
  await page.focus('[data-shot="1"] .shot');
  await page.keyboard.down('Alt');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.up('Alt');
  assert.equal(await order(), '0123', 'nothing moves past the opening');
  await page.keyboard.down('Control');
  await page.keyboard.press('KeyZ');
  await page.keyboard.up('Control');
  assert.equal(await order(), '0213');
  assert.equal(await page.$('[data-shot="0"] .move'), null);
  assert.equal(await page.$('[data-shot="3"] .move'), null);
  const sale = await page.waitForSelector('input[type=radio][value=sale]');
  await sale.focus();
  await page.keyboard.press('Space');
  await sees(page, 'Keeps every rule');
  await press(page, button('Make this variant'));
  await sees(page, 'from place 3 to 2');
  assert.deepEqual(service.orders, []);
  assert.deepEqual(errors, []);
  await context.close();
});

test('the editor has no faults of access, in both languages and on a phone', async () => {
  for (const options of [{}, { locale: 'zh-CN', theme: 'dark' }, { width: 390, height: 844 }]) {
    const { page, errors, context } = await editor(options);
    await press(page, button(options.locale === 'zh-CN' ? '编辑' : 'Edit'));
    await sees(page, options.locale === 'zh-CN' ? '符合全部规则' : 'Keeps every rule');
    assert.deepEqual(await violations(page), [], JSON.stringify(options));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} pixels too wide`);
    if (process.env.SPOTWRIGHT_SHOTS) await page.screenshot({ path: `${process.env.SPOTWRIGHT_SHOTS}/edit-${options.locale ?? 'en'}-${options.width ?? 1440}.png` });
    assert.deepEqual(errors, []);
    await context.close();
  }
});
