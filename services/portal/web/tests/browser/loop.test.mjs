// Experiments, approvals, campaigns, brands and elements over made-up answers: what people do there, in two roles, and
// what becomes of it when the network goes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, violations } from './browser.mjs';
import { start } from './mock.mjs';

let chromium;
const worlds = [];
before(async () => (chromium = await launch()));
after(async () => {
  await chromium?.close();
  await Promise.all(worlds.map((one) => one.stop()));
});

async function mock(options) {
  const made = await start(options);
  worlds.push(made);
  return made;
}

const RUN = '0c000000-0000-7000-8000-000000000001';
const TRIAL = '0e000000-0000-7000-8000-00000000000';
const VARIANT = '0a000000-0000-7000-8000-000000200000';
const BRAND = '0k000000-0000-7000-8000-000000000001';
const TOKEN = 'ab'.repeat(32);
const button = (name) => `::-p-aria([name="${name}"][role="button"])`;
const link = (name) => `::-p-aria([name="${name}"][role="link"])`;

async function sees(page, words, timeout = 15_000) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout, polling: 100 }, words).catch(async () => {
    throw new Error(`"${words}" did not appear on ${page.url()}:\n${(await page.evaluate(() => document.body.innerText)).slice(0, 1500)}`);
  });
}
async function press(page, selector) {
  const found = await page.waitForSelector(selector, { visible: true });
  await found.click();
}
const set = (page, label, value) => page.$eval(`::-p-aria([name="${label}"])`, (input, to) => { input.value = to; input.dispatchEvent(new Event('input', { bubbles: true })); }, value);
/** The film itself is not there. */
const NO_FILM = '404 (Not Found)';

test('a plan is made of a run\'s variants, with the days it takes; then started, by keys', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('422 (Unprocessable');
  await page.goto(`${world.url}/portal/runs/${RUN}/variants?view=table&pick=${VARIANT},${VARIANT.slice(0, -1)}6`);
  await press(page, link('Test these'));
  await page.waitForFunction(() => document.querySelectorAll('.arm').length === 2);
  assert.ok(await page.$eval('.page form .btn.p, form.page .btn.p', (element) => element.disabled), 'a plan without a question is none');
  await page.type('input[id$="-name"]', 'Opening: scene or number');
  await page.type('textarea', 'A scene gets more clicks.');
  // 32 · 0.99 / (0.01 · 0.1²) in each of two arms, at 20,000 a day.
  await sees(page, '633,600 people in all: about 32 days');
  await sees(page, 'That is longer than the at most 28 days it may run.');
  await set(page, 'Smallest change of interest, %', '50');
  await sees(page, 'about 2 days');
  world.state.noArm = `${VARIANT.slice(0, -1)}6`;
  await page.focus('textarea');
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await sees(page, 'the variant was withdrawn and cannot be an arm');
  world.state.noArm = '';
  await press(page, button('Plan experiment'));
  await page.waitForFunction(() => /\/experiments\/0e[0-9a-f-]+$/.test(location.pathname));
  await sees(page, 'Not started yet.');
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await sees(page, 'Its setup is frozen.');
  assert.equal(world.state.experiments[0].state, 'running');
  assert.deepEqual(world.state.experiments[0].design.arms.map((arm) => arm.role), ['control', 'treatment']);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a verdict is read, decided with a reason, and stands in the log; a test whose split is off decides nothing', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/experiments/${TRIAL}1`);
  await sees(page, 'B wins: the origin story gets 32% more clicks than the offer.');
  await sees(page, 'B clear of zero since day 3');
  await sees(page, 'SRM p = 0.92');
  const plain = await page.evaluate(() => [...document.querySelectorAll('table.lines td.num .v:not(.sim), .four .fig:not(.sim)')].filter((one) => /\d/.test(one.textContent)).map((one) => one.textContent));
  assert.deepEqual(plain, [], 'every simulated figure is underlined');
  await press(page, button('Make B the default'));
  await page.waitForSelector('[role=dialog] textarea');
  assert.deepEqual(await violations(page), []);
  assert.ok(await page.$eval('[role=dialog] .btn.p', (element) => element.disabled), 'a decision has a reason');
  await page.$$eval('[role=dialog] input[type=radio]', (radios) => radios.at(-1).click());
  await sees(page, 'The verdict so far says otherwise.');
  await page.$$eval('[role=dialog] input[type=radio]', (radios) => radios[0].click());
  await page.type('[role=dialog] textarea', 'It won, and costs less per click.');
  await press(page, '[role=dialog] .btn.p');
  await sees(page, 'The decision is in the log.');
  await press(page, '.tabs a:last-child');
  await sees(page, 'It won, and costs less per click.');
  assert.deepEqual([world.state.experiments[0].state, world.state.experiments[0].decision.choice, world.state.experiments[0].decision.arm], ['decided', 'adopt', 'B']);
  await page.goto(`${world.url}/portal/experiments/${TRIAL}3`);
  await sees(page, 'Do not read this test');
  await press(page, button('Decide'));
  await page.waitForSelector('[role=dialog] input[type=radio]');
  assert.deepEqual(await page.$$eval('[role=dialog] input[type=radio]', (radios) => radios.map((one) => one.disabled)), [true, true, true, false]);
  assert.deepEqual(errors, []);
  await context.close();
});

test('the board has four columns, and verdicts are fetched only for what is looked at', async () => {
  const world = await mock({ experiments: 200 });
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/experiments`);
  await sees(page, '200 experiments');
  await sees(page, 'No difference yet.');
  await new Promise((later) => setTimeout(later, 800));
  const read = new Set(world.asked.filter((one) => one.endsWith('/readouts')));
  assert.ok(read.size < 60, `${read.size} read-outs were fetched for one screen`);
  await page.goto(`${world.url}/portal/experiments?view=board`);
  await sees(page, 'Learnt');
  const columns = await page.$$eval('.board section', (sections) => sections.map((one) => one.getAttribute('aria-label')));
  assert.deepEqual(columns, ['Planned', 'Running', 'To decide', 'Learnt']);
  await sees(page, 'It won, and costs less per click.');
  assert.deepEqual(errors, []);
  await context.close();
});

test('two roles: an editor asks and comments at a second, an approver sees it wait, looks and says yes to those bytes only', async () => {
  const world = await mock();
  world.state.approvals.clear();
  world.state.comments = [];
  const [editor, approver] = [await open(chromium.browser), await open(chromium.browser)];
  for (const [one, role] of [[editor, 'editor'], [approver, 'approver']]) {
    one.expected.push(NO_FILM, '409 (Conflict)');
    await one.page.setCookie({ name: 'mock_role', value: role, url: world.url });
  }
  await editor.page.goto(`${world.url}/portal/runs/${RUN}/approvals?v=${VARIANT}`);
  await sees(editor.page, 'Holds for exactly this content:');
  assert.equal(await editor.page.$(button('Approve')), null, 'an editor decides nothing');
  await press(editor.page, '.over');
  await editor.page.waitForSelector('.dot.new');
  await sees(editor.page, 'Comment at 0:00.0, at the pin');
  await editor.page.type('.foot textarea', 'The price stands too long.');
  await press(editor.page, button('Comment'));
  await sees(editor.page, 'The price stands too long.');
  const [said] = world.state.comments;
  assert.ok(said.seconds === 0 && Math.abs(said.x - 0.5) < 0.02 && Math.abs(said.y - 0.5) < 0.02, JSON.stringify(said));
  await press(editor.page, button('Ask for approval'));
  await sees(editor.page, 'Approval of g2-01 is asked for.');
  assert.deepEqual(await violations(editor.page), []);

  await approver.page.goto(`${world.url}/portal/inbox`);
  await sees(approver.page, 'One finished video waits for a yes');
  await press(approver.page, 'li a[href$="/approvals"]');
  await sees(approver.page, 'The price stands too long.');
  await sees(approver.page, '1 of');
  // It changes while somebody looks at it: a yes to what was there is refused, and the new content shown.
  world.state.changedHash = { [VARIANT]: 'f'.repeat(64) };
  await approver.page.keyboard.press('a');
  await sees(approver.page, 'It was changed while you looked.');
  await sees(approver.page, 'ffffffffffff');
  assert.notEqual(world.state.approvals.get(VARIANT).state, 'approved');
  await approver.page.keyboard.press('r');
  await approver.page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await approver.page.keyboard.type('Shorter, please.');
  await press(approver.page, button('Ask for changes'));
  await sees(approver.page, 'Changes of g2-01 are asked for.');
  await editor.page.reload();
  await sees(editor.page, 'Shorter, please.');
  await press(editor.page, button('Ask for approval'));
  await sees(editor.page, 'is asked for.');
  await approver.page.goto(`${world.url}/portal/runs/${RUN}/approvals?v=${VARIANT}`);
  await sees(approver.page, 'ffffffffffff');
  await approver.page.keyboard.press('a');
  await sees(approver.page, 'g2-01 is approved.');
  const now = world.state.approvals.get(VARIANT);
  assert.deepEqual([now.state, now.content_hash], ['approved', 'f'.repeat(64)]);
  assert.deepEqual([...editor.errors, ...approver.errors], []);
  await editor.context.close();
  await approver.context.close();
});

test('a link is made, shown once, used without an account, and revoked', async () => {
  const world = await mock();
  world.state.shares = [];
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push(NO_FILM);
  await page.goto(`${world.url}/portal/runs/${RUN}/approvals`);
  await press(page, button('Share'));
  await page.waitForSelector('[role=dialog] input');
  assert.deepEqual(await violations(page), []);
  await page.type('[role=dialog] input[id$="-name"]', 'The legal team');
  await page.select('[role=dialog] select[id$="-scope"]', 'approve');
  await press(page, '[role=dialog] form .btn.p');
  const address = await (await page.waitForSelector('.secret')).evaluate((output) => output.textContent);
  assert.equal(address, `${world.url}/portal/shared#${TOKEN}`);
  await press(page, button('I have kept it'));
  await page.waitForFunction((token) => !document.documentElement.outerHTML.includes(token), {}, TOKEN);
  const outside = await open(chromium.browser, { width: 390, height: 844 });
  outside.expected.push(NO_FILM);
  await outside.page.setCookie({ name: 'mock_role', value: 'none', url: world.url });
  await outside.page.goto(address);
  await sees(outside.page, 'asks for your view');
  assert.ok(!world.asked.some((one) => one.includes(`GET /v1/variants/${VARIANT}/comments`) && one.includes('shared')));
  await press(outside.page, button('Approve'));
  await sees(outside.page, 'Say your name first.');
  await outside.page.type('input[autocomplete=name]', 'Sam');
  await press(outside.page, button('Approve'));
  await sees(outside.page, 'is approved. Thank you.');
  assert.equal(world.state.approvals.get(VARIANT).decisions.at(-1).by.name, 'Sam');
  await outside.page.type('.foot textarea', 'Fine with us.');
  await press(outside.page, '.foot .btn:last-child');
  await outside.page.waitForFunction(() => document.querySelector('.said')?.textContent && document.body.innerText.includes('Fine with us.'));
  assert.ok(await outside.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual(await violations(outside.page), []);
  world.state.shared.token = '';
  await outside.page.reload();
  await sees(outside.page, 'This link is not valid');
  await press(page, button('Revoke'));
  await press(page, button('Revoke now'));
  await sees(page, 'revoked');
  assert.deepEqual([...errors, ...outside.errors], []);
  await outside.context.close();
  await context.close();
});

test('a campaign is paused and resumed by a key, an ad ended after a second press; a viewer can do neither', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/campaigns`);
  await press(page, link('Morning Roast, generation 2'));
  await sees(page, 'Ladder: who climbed, who stopped, on what evidence');
  await sees(page, 'sure below the median');
  await sees(page, 'wins 43%, pays $3.82');
  await sees(page, 'Within 8% of the plan.');
  await page.keyboard.press('p');
  await sees(page, 'The campaign is paused.');
  assert.equal(world.state.campaigns[0].status, 'paused');
  // Keys are heard again once the page shows what was answered.
  await page.waitForFunction(() => [...document.querySelectorAll('.btn.p')].some((one) => one.textContent.includes('Resume') && !one.disabled));
  await page.keyboard.press('p');
  await sees(page, 'The campaign goes on.');
  await press(page, '.tabs a:nth-child(2)');
  await press(page, 'table.lines tbody tr:first-child .btn.g');
  assert.equal(world.state.ads[0].status, 'active', 'one press ends nothing');
  await press(page, button('End for good'));
  await sees(page, 'The ad is ended.');
  await page.goto(`${world.url}/portal/campaigns/${RUN}-g3`);
  await sees(page, 'The market has not played yet');
  const viewer = await open(chromium.browser);
  await viewer.page.setCookie({ name: 'mock_role', value: 'viewer', url: world.url });
  await viewer.page.goto(`${world.url}/portal/campaigns/${RUN}-g2`);
  await sees(viewer.page, 'Ladder: who climbed');
  assert.equal(await viewer.page.$(button('Pause')), null);
  // What the ledger of rungs shows is in its table, all of it.
  await press(viewer.page, button('Table: Ladder: who climbed, who stopped, on what evidence'));
  await viewer.page.waitForSelector('.tall table');
  assert.equal((await viewer.page.$$('.tall tbody tr')).length, world.state.ads.reduce((sum, ad) => sum + ad.ladder.length, 0));
  expectNone(errors, viewer.errors);
  await viewer.context.close();
  await context.close();
});

function expectNone(...all) {
  assert.deepEqual(all.flat(), []);
}

test('a brand that somebody else stored meanwhile is compared, never written over unseen', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('412 (Precondition Failed)');
  await page.goto(`${world.url}/portal/brand/${BRAND}`);
  await sees(page, 'one without evidence');
  await set(page, 'Brand name', 'Harbor Lane Coffee');
  Object.assign(world.state.brands[0], { version: 4, kit: { ...world.state.brands[0].kit, tone: 'bold' } });
  await press(page, '.actions .btn.p');
  await sees(page, 'Somebody else stored version 4 meanwhile');
  assert.equal(world.state.brands[0].kit.name, 'Harbor Lane', 'nothing was written over');
  assert.deepEqual(await violations(page), []);
  await press(page, button('Keep mine'));
  await sees(page, 'Stored as version 5.');
  assert.equal(world.state.brands[0].kit.name, 'Harbor Lane Coffee');
  await press(page, button('Add fact'));
  await page.waitForFunction(() => document.activeElement?.closest('.facts') && document.activeElement.tagName === 'INPUT');
  await page.keyboard.type('Cupped by 3 roasters');
  await press(page, '.actions .btn.p');
  await sees(page, 'Stored as version 6.');
  assert.equal(world.state.brands[0].facts.at(-1).id, 'cupped-by-3-roasters');
  // What was typed and not stored is there again after the page was left.
  await set(page, 'Brand name', 'Harbor');
  await press(page, 'nav.side a[href$="/experiments"]');
  await sees(page, 'To decide');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('input[id$="-name"]')?.value === 'Harbor');
  await page.goto(`${world.url}/portal/brand/new`);
  await page.waitForSelector('input[id$="-name"]');
  await page.type('input[id$="-name"]', 'Second brand');
  await press(page, '.actions .btn.p');
  await page.waitForFunction(() => /\/brand\/0k/.test(location.pathname));
  await sees(page, 'Stored as version 1.');
  expectNone(errors);
  await context.close();
});

test('a run is estimated before it starts, and its hard cap is sent with it', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push(NO_FILM);
  await page.goto(`${world.url}/portal/briefs/0b000000-0000-7000-8000-000000000001?run=new`);
  await sees(page, '$115.20 to $144.00');
  await set(page, 'Spend at most, USD', '60');
  await sees(page, '$48.00 to $60.00');
  await sees(page, 'the run may stop early');
  const started = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/v1/runs'));
  await press(page, '.order .btn.p');
  const body = JSON.parse((await started).postData());
  assert.deepEqual(body.max_spend, { amount_micros: 60_000_000, currency: 'USD' });
  expectNone(errors);
  await context.close();
});

test('elements: a report is ordered once, its progress said, imported and simulated never on one page', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/elements`);
  await sees(page, 'Working it out');
  await sees(page, 'nothing to compare');
  assert.ok(await page.$('.ribbon'));
  await page.reload();
  await sees(page, '12,000 shown, 7 variants');
  assert.equal(world.asked.filter((one) => one === 'POST /v1/reports').length, 1, 'what is there is shown');
  await press(page, '.seg button:last-child');
  await sees(page, '12,000 shown, 7 variants');
  assert.equal(await page.$('.ribbon'), null);
  assert.deepEqual(world.state.reports.map((one) => one.filters.source), ['imported', 'simulated']);
  expectNone(errors);
  await context.close();
});

test('a network that is cut for 20 s loses nothing that was typed, and the pages go on by themselves', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push(NO_FILM, 'ERR_INTERNET_DISCONNECTED', 'Failed to load resource');
  await page.goto(`${world.url}/portal/runs/${RUN}/approvals?v=${VARIANT}`);
  await sees(page, 'The price stands too long.');
  await page.type('.foot textarea', 'Written before the cut');
  await page.setOfflineMode(true);
  const cut = Date.now();
  await page.keyboard.type(' and during it.');
  await press(page, button('Comment'));
  await page.waitForSelector('.down');
  await page.waitForSelector('.foot .wrong');
  const before = world.state.comments.length;
  await new Promise((later) => setTimeout(later, Math.max(0, 20_000 - (Date.now() - cut))));
  assert.equal(await page.$eval('.foot textarea', (area) => area.value), 'Written before the cut and during it.');
  assert.equal(world.state.comments.length, before);
  await page.setOfflineMode(false);
  await page.waitForFunction(() => !document.querySelector('.down'), { timeout: 15_000 });
  await press(page, button('Comment'));
  await sees(page, 'Written before the cut and during it.');
  await page.waitForFunction(() => document.querySelector('.foot textarea').value === '');
  assert.equal(world.state.comments.length, before + 1);
  // An experiment that went on meanwhile shows it without being asked.
  await page.goto(`${world.url}/portal/experiments/${TRIAL}2`);
  await sees(page, 'day 14 of at most 21');
  await page.setOfflineMode(true);
  await page.waitForSelector('.down', { timeout: 30_000 });
  world.state.experiments.find((one) => one.id === `${TRIAL}2`).day = 15;
  await page.setOfflineMode(false);
  await sees(page, 'day 15 of at most 21', 30_000);
  expectNone(errors);
  await context.close();
});
