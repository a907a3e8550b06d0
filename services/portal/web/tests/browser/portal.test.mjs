// The portal in Chromium against the program itself: from a key to variants, by mouse and by keyboard.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, open, violations } from './browser.mjs';
import { start } from './server.mjs';

let server, chromium, folder, yaml;
const PICTURES = ['coffee.png', 'cup-tall.png', 'cup-close.png'];

before(async () => {
  [server, chromium] = await Promise.all([start(), launch()]);
  folder = await mkdtemp(join(tmpdir(), 'spotwright-pictures-'));
  for (const name of PICTURES) await writeFile(join(folder, name), await server.example(`coffee-en/${name}`));
  // Without its problems and price the brief gives the run something to ask.
  const text = String(await server.example('coffee-en/brief.yaml'));
  yaml = text.replace(/    - id: \w+\n      kind: (?:problem|price)\n      text: .*\n(?:      evidence: .*\n)?/g, '');
  assert.notEqual(yaml, text);
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const button = (name) => `::-p-aria([name="${name}"][role="button"])`;
const link = (name) => `::-p-aria([name="${name}"][role="link"])`;

/** Clicks what fits the selector, once it is there. */
async function press(page, selector) {
  const found = await page.waitForSelector(selector, { visible: true });
  await found.click();
}

/** Waits until a page shows what it loads. */
async function settle(page) {
  await page.waitForFunction(() => document.querySelector('.page > *, .frame, .review, main.signin, .empty') && !document.querySelector('.skeleton'));
  await new Promise((later) => setTimeout(later, 150));
}

async function text(page) {
  return page.evaluate(() => document.body.innerText);
}

async function sees(page, words, timeout = 30_000) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout, polling: 100 }, words).catch(async () => {
    throw new Error(`"${words}" did not appear on ${page.url()}:\n${(await text(page)).slice(0, 1500)}`);
  });
}

async function signIn(page, key = server.key, next = '/portal/') {
  await page.goto(server.url + next);
  await page.waitForSelector('input[type=password]');
  await page.type('input[type=password]', key);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#content');
}

async function waitUntilEnded(run) {
  for (let tries = 0; tries < 900; tries += 1) {
    const now = await server.ask('GET', `/v1/runs/${run}`, server.key);
    if (now.stopped) return now;
    await new Promise((later) => setTimeout(later, 200));
  }
  throw new Error('the run did not end');
}

let finished = '';

test('a wrong key is refused in words, a right one signs in, and the key is nowhere to be read', async () => {
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('401 (Unauthorized)');
  await page.goto(`${server.url}/portal/runs?next=https://example.com`);
  await page.waitForSelector('input[type=password]');
  await page.type('input[type=password]', 'sw_live_wrong');
  await press(page, 'button.btn.p');
  await sees(page, 'This is no valid key.');
  await page.$eval('input[type=password]', (input) => (input.value = ''));
  await page.type('input[type=password]', server.key);
  await press(page, 'button.btn.p');
  await sees(page, 'No run yet');
  assert.equal(new URL(page.url()).pathname, '/portal/runs', 'the page that was asked for is shown');
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie + document.documentElement.outerHTML);
  assert.ok(!kept.includes('sw_live_') && !kept.includes('sw_session'), 'neither key nor session can be read by scripts');
  assert.deepEqual(errors, []);
  await context.close();
});

test('an address from outside is not followed after the sign-in', async () => {
  for (const next of ['//example.com', 'https://example.com', '/\\example.com']) {
    const { page, context } = await open(chromium.browser);
    await signIn(page, server.key, `/portal/signin?next=${encodeURIComponent(next)}`);
    assert.equal(new URL(page.url()).origin, server.url);
    await context.close();
  }
});

test('by mouse: brief, run, question, variants, comparison', async () => {
  const { page, errors, context } = await open(chromium.browser);
  await signIn(page);
  await sees(page, 'No brief yet');
  await press(page, `#content ${link('New brief')}`);
  await page.waitForSelector('textarea');
  await page.$eval('textarea', (area, value) => {
    area.value = value;
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }, yaml);
  await press(page, button('Read it'));
  await sees(page, 'facts understood');
  const upload = await page.$('.pictures input[type=file]');
  await upload.uploadFile(...PICTURES.map((name) => join(folder, name)));
  await page.waitForFunction(() => document.querySelectorAll('.pictures img').length === 3);
  // What was typed outlives a reload.
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll('.pictures img').length === 3);
  await press(page, 'footer .btn.p');
  await sees(page, 'Nothing is spent before you start.');
  await fill(page, 'Generations', '1');
  await fill(page, 'Variants in each', '3');
  await fill(page, 'Winners in each', '1');
  await press(page, '.order .btn.p');
  await page.waitForFunction(() => /^\/portal\/runs\/[0-9a-f-]{36}$/.test(location.pathname));
  finished = new URL(page.url()).pathname.split('/').at(-1);
  // The first words and pictures come before it, and the machine may do other work.
  await page.waitForSelector('.question', { timeout: 120_000 });
  await sees(page, 'goes on with the default in about');
  for (let left = 3; left > 0 && (await page.$('.question')); left -= 1) {
    const asked = await page.$eval('.question h2', (heading) => heading.textContent);
    await press(page, '.question .default');
    await page.waitForFunction((text) => document.querySelector('.question h2')?.textContent !== text, {}, asked);
  }
  await page.waitForSelector('table.lines tbody tr td a');
  await waitUntilEnded(finished);
  await sees(page, 'Completed');
  await press(page, link('Open variants'));
  await page.waitForSelector('.cell');
  assert.equal((await page.$$('.cell img')).length, 3, 'every variant has its still, which plays when it is told to');
  for (const box of (await page.$$('.cell input[type=checkbox]')).slice(0, 2)) await box.click();
  await press(page, button('Compare 2'));
  await page.waitForSelector('.compare .card');
  await press(page, button('Back to all'));
  await press(page, '.cell .look');
  await sees(page, 'Gate report');
  await sees(page, 'The finished video');
  await page.waitForSelector('aside a[download]');
  assert.ok((await text(page)).includes('Simulated audience.'));
  // A video that is played in step moves on.
  await press(page, button('Play all'));
  await page.waitForFunction(() => [...document.querySelectorAll('.cell video')].some((video) => video.currentTime > 0));
  assert.deepEqual(errors, []);
  await context.close();
});

async function fill(page, label, value) {
  const input = await page.waitForSelector(`::-p-aria([name="${label}"][role="spinbutton"])`);
  await input.click({ count: 3 });
  await input.type(value);
}

test('by keyboard alone, in Chinese: brief, run, script approval', async () => {
  const { page, errors, context } = await open(chromium.browser, { locale: 'zh-CN' });
  await signIn(page);
  await sees(page, '首页');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  await page.keyboard.press('c');
  await page.waitForSelector('textarea');
  await tabTo(page, 'textarea');
  // Typing three thousand characters is the same as pasting them.
  await page.evaluate((value) => document.execCommand('insertText', false, value), yaml.replace('id: coffee-en', 'id: coffee-keys'));
  await tabTo(page, 'button.p');
  await page.keyboard.press('Enter');
  await sees(page, '读懂');
  // The picture files cannot be chosen by key strokes in a headless browser; their control can be reached by them.
  await tabTo(page, '.pictures input[type=file]');
  await (await page.$('.pictures input[type=file]')).uploadFile(...PICTURES.map((name) => join(folder, name)));
  await page.waitForFunction(() => document.querySelectorAll('.pictures img').length === 3);
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await sees(page, '开始之前不会产生任何费用');
  await tabTo(page, '.order input[type=number]');
  for (const value of ['1', '2', '1']) {
    await page.keyboard.down('Control');
    await page.keyboard.press('a');
    await page.keyboard.up('Control');
    await page.keyboard.type(value);
    await page.keyboard.press('Tab');
  }
  await tabTo(page, '.people input[type=checkbox]:not(:checked)');
  await page.keyboard.press('Space');
  await tabTo(page, '.order .btn.p');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /^\/portal\/runs\/[0-9a-f-]{36}$/.test(location.pathname));
  const run = new URL(page.url()).pathname.split('/').at(-1);
  // The first words and pictures come before it, and the machine may do other work.
  await page.waitForSelector('.question', { timeout: 120_000 });
  for (let left = 3; left > 0 && (await page.$('.question')); left -= 1) {
    const asked = await page.$eval('.question h2', (heading) => heading.textContent);
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press('1');
    await page.waitForFunction((text) => document.querySelector('.question h2')?.textContent !== text, {}, asked);
  }
  await page.waitForSelector('.waits a');
  await tabTo(page, '.waits a');
  await page.keyboard.press('Enter');
  await sees(page, '全部批准');
  await tabTo(page, '.page .btn.p');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => !document.body.innerText.includes('全部批准'));
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('p');
  await sees(page, '已暂停');
  await tabTo(page, '.actions button ~ button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=dialog]');
  await tabTo(page, '[role=dialog] .danger');
  await page.keyboard.press('Enter');
  await waitUntilEnded(run);
  await sees(page, '已取消');
  await page.keyboard.down('Control');
  await page.keyboard.press('k');
  await page.keyboard.up('Control');
  await page.waitForSelector('[role=combobox]');
  await page.keyboard.type('费用');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.pathname === '/portal/money');
  assert.deepEqual(errors, []);
  await context.close();
});

/** Presses Tab until the focus is on what fits the selector. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 150; presses += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${selector} by the Tab key on ${page.url()}`);
}

test('two roles: one asks for a yes with a comment at its second, the other says it to exactly what was looked at', async () => {
  const [{ id: won }] = (await server.ask('GET', `/v1/runs/${finished}/variants?state=won`, server.key)).data;
  const key = async (name, scopes) => (await server.ask('POST', '/v1/api-keys', server.key, { name, scopes })).secret;
  const [editor, approver] = [await open(chromium.browser), await open(chromium.browser)];
  const address = `/portal/runs/${finished}/approvals?v=${won}`;
  await signIn(editor.page, await key('editor', ['briefs:read', 'runs:read', 'runs:write']));
  await editor.page.goto(server.url + address);
  await sees(editor.page, 'Holds for exactly this content:');
  await press(editor.page, '.over');
  await editor.page.waitForSelector('.dot.new');
  await editor.page.type('.foot textarea', 'The price stands too long.');
  await press(editor.page, button('Comment'));
  await sees(editor.page, 'The price stands too long.');
  await press(editor.page, button('Ask for approval'));
  await sees(editor.page, 'is asked for.');
  await signIn(approver.page, await key('approver', ['briefs:read', 'runs:read', 'approvals:write']), '/portal/inbox');
  await sees(approver.page, 'One finished video waits for a yes');
  await press(approver.page, 'li a[href$="/approvals"]');
  await sees(approver.page, 'The price stands too long.');
  await approver.page.keyboard.press('a');
  await sees(approver.page, 'is approved.');
  const approval = await server.ask('GET', `/v1/variants/${won}/approval`, server.key);
  assert.deepEqual([approval.state, approval.content_hash], ['approved', approval.current_hash]);
  assert.deepEqual([...editor.errors, ...approver.errors], []);
  await editor.context.close();
  await approver.context.close();
});

test('keys: made, shown once, revoked', async () => {
  const { page, errors, context } = await open(chromium.browser);
  await signIn(page, server.key, '/portal/developers/keys');
  await press(page, button('Create key'));
  await page.waitForSelector('[role=dialog] input');
  await page.type('[role=dialog] input', 'from the test');
  await press(page, '[role=dialog] form .btn.p');
  await page.waitForSelector('.secret');
  const secret = await page.$eval('.secret', (output) => output.textContent);
  assert.match(secret, /^sw_live_/);
  assert.deepEqual(await violations(page), []);
  await press(page, button('I have kept it'));
  await page.waitForFunction(() => !document.querySelector('[role=dialog]'));
  assert.ok(!(await page.content()).includes(secret), 'the text of the key is gone from the page');
  await press(page, button('Revoke from the test'));
  await page.waitForSelector('[role=dialog] .danger');
  await press(page, '[role=dialog] .danger');
  await sees(page, 'revoked');
  const refused = await fetch(`${server.url}/v1/runs`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal(refused.status, 401);
  assert.deepEqual(errors, []);
  await context.close();
});

test('the demo opens by its link, once, and is marked', async () => {
  const { page, errors, expected, context } = await open(chromium.browser);
  await page.goto(server.link());
  await sees(page, 'Demo organization');
  await sees(page, 'coffee-en, run 1');
  assert.ok(!page.url().includes('link='), 'the token does not stay in the address');
  await press(page, '.nav.user');
  await page.waitForSelector('[role=menu]');
  assert.deepEqual(await violations(page), []);
  await press(page, '::-p-text(Sign out)');
  await page.waitForSelector('input[type=password]');
  expected.push('401 (Unauthorized)');
  await page.goto('about:blank');
  await page.goto(server.link());
  await sees(page, 'This link was used before');
  assert.deepEqual(errors, []);
  await context.close();
});

const PAGES = () => [
  '/portal/signin', '/portal/', '/portal/inbox', '/portal/briefs', '/portal/briefs/new', '/portal/briefs/new?step=review', '/portal/briefs/new?step=goal',
  '/portal/runs', `/portal/runs/${finished}`, `/portal/runs/${finished}/scripts`, `/portal/runs/${finished}/variants`, `/portal/runs/${finished}/variants?view=grid`,
  `/portal/runs/${finished}/variants?view=table`, `/portal/runs/${finished}/trace`, `/portal/runs/${finished}/approvals`, '/portal/brand', '/portal/brand/new', '/portal/campaigns', '/portal/campaigns/new', `/portal/campaigns/${finished}-g1`, '/portal/experiments', '/portal/experiments/new', '/portal/elements', '/portal/money', '/portal/developers/keys', '/portal/developers/reference', '/portal/nothing',
];

test('axe finds nothing on any page, light or dark, and no page is wider than the window', async () => {
  const brief = (await server.ask('GET', '/v1/briefs', server.key)).data[0].id;
  const { data } = await server.ask('GET', `/v1/runs/${finished}/variants`, server.key);
  for (const theme of ['light', 'dark']) {
    const { page, errors, context } = await open(chromium.browser, { theme, locale: theme === 'dark' ? 'zh-CN' : 'en-US' });
    await page.goto(`${server.url}/portal/signin`);
    await page.waitForSelector('input[type=password]');
    assert.deepEqual(await violations(page), [], `sign-in, ${theme}`);
    await signIn(page);
    await page.evaluate((organization, source) => {
      const fact = { id: 'a', kind: 'benefit', text: 'Smooth to the last sip', source: '', quote: '' };
      const fields = { product: { name: 'Roast', category: 'coffee', facts: [fact, { ...fact, id: 'b', kind: 'moment' }], pictures: [{ file: 'a.png', alt: '', licence: '' }] } };
      localStorage.setItem(`spotwright.draft.${organization}`, JSON.stringify({ source, sourceName: 'brief.yaml', fields, extra: {}, once: 'once' }));
    }, server.organization, 'product:\n  facts:\n    - text: Smooth to the last sip\n    - text: The first quiet minute\n');
    const drawer = `/portal/runs/${finished}/variants?v=${data[0].id}`;
    const compare = `/portal/runs/${finished}/variants?pick=${data[0].id},${data[1].id}&compare=1`;
    for (const path of [...PAGES().slice(1), `/portal/briefs/${brief}`, `/portal/briefs/${brief}?run=new`, drawer, compare]) {
      await page.goto(server.url + path);
      await page.waitForSelector('h1');
      await settle(page);
      assert.deepEqual(await violations(page), [], `${path}, ${theme}`);
      for (const width of theme === 'light' ? [390, 1024] : []) {
        await page.setViewport({ width, height: 844 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} is ${wide} px too wide at ${width}`);
      }
      if (theme === 'light') await page.setViewport({ width: 1440, height: 900 });
    }
    assert.deepEqual(errors, []);
    await context.close();
  }
});

test('what looks like a script is shown as text wherever it was written', async () => {
  const attack = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
  const founded = await server.ask('POST', '/v1/organizations', server.operator, { name: `Evil ${attack}` });
  const key = founded.secret;
  await server.ask('POST', '/v1/api-keys', key, { name: attack, scopes: ['runs:read'] });
  const asset = await server.ask('POST', `/v1/assets?name=${encodeURIComponent(attack)}`, key, await server.example('coffee-en/coffee.png'), 'image/png');
  const source = String(await server.example('coffee-en/brief.yaml'));
  const { page, errors, expected, context } = await open(chromium.browser);
  // A brief with faults is refused and a run that cannot be is not found, which the browser tells the console.
  expected.push('422 (Unprocessable Entity)', '404 (Not Found)');
  await signIn(page, key, '/portal/briefs/new');
  const evil = source.replace('source: "in-house', `source: ${JSON.stringify(attack)}, quote: "in-house`).replace('people who brew at home before work', JSON.stringify(`${attack} people`));
  await page.waitForSelector('textarea');
  await page.$eval('textarea', (area, value) => {
    area.value = value;
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }, evil);
  await press(page, button('Read it'));
  await sees(page, 'facts understood');
  for (const input of await page.$$('.understood input.input:not([type=file])')) await input.type(attack.slice(0, 30));
  await press(page, 'footer .btn.p');
  await page.waitForSelector('.intro .wrong');
  // A stored brief with attacks in every field that takes them.
  const words = 'Evil <img src=x onerror=alert(3)>';
  const picture = { file: 'coffee.png', alt: words, licence: words };
  const fact = (id, kind, text) => ({ id, kind, text, evidence: { source: words, quote: words } });
  const brief = {
    format: 'spotwright.brief.v1', id: 'evil', locale: 'en-US', brand: { name: 'Harbor Lane', colors: { primary: '#3B2417', accent: '#F2B544' } },
    product: { name: 'Morning Roast', category: 'coffee', pictures: [picture], facts: [fact('a', 'benefit', 'A fresh cup in 3 minutes'), fact('b', 'proof', 'Every batch cupped by 3 roasters'), fact('c', 'origin', 'Roasted in small batches in Maine')] },
    audience: { description: words }, objective: 'clicks', budget: { total: '20.00', currency: 'USD' }, destination_url: 'https://example.com/<script>', call_to_action: 'order_now', placements: ['simulated_feed'],
  };
  const stored = await server.ask('POST', '/v1/briefs', key, { brief, assets: { 'coffee.png': asset.id } });
  for (const path of [`/portal/briefs/${stored.id}`, '/portal/developers/keys', '/portal/', `/portal/runs/${encodeURIComponent(attack)}`, `/portal/briefs?show=${encodeURIComponent(attack)}`]) {
    await page.goto(server.url + path);
    await page.waitForSelector('h1');
    await settle(page);
    assert.equal(await page.$('img[src="x"]'), null, path);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('without a network the page says so, keeps what is typed, and goes on when it is back', async () => {
  const { page, errors, expected, context } = await open(chromium.browser);
  await signIn(page);
  expected.push('ERR_INTERNET_DISCONNECTED');
  await page.goto(`${server.url}/portal/briefs/new`);
  await press(page, button('Open the form'));
  await page.waitForSelector('.facts .input');
  const name = await page.waitForSelector('input[name="product.name"]');
  await name.type('Kept over the gap');
  await page.setOfflineMode(true);
  await press(page, 'footer .btn.p');
  await sees(page, 'The service cannot be reached.');
  assert.equal(await page.$eval('input[name="product.name"]', (input) => input.value), 'Kept over the gap');
  await page.setOfflineMode(false);
  await page.waitForFunction(() => !document.querySelector('.down'), { timeout: 15_000 });
  assert.equal(await page.$eval('input[name="product.name"]', (input) => input.value), 'Kept over the gap');
  assert.deepEqual(errors, []);
  await context.close();
});

test('a session that ended is opened again over the page, which loses nothing', async () => {
  const { page, errors, expected, context } = await open(chromium.browser);
  await signIn(page);
  expected.push('401 (Unauthorized)');
  await page.goto(`${server.url}/portal/briefs/new?step=review`);
  if (await page.$(button('Open the form'))) await press(page, button('Open the form'));
  const name = await page.waitForSelector('input[name="product.name"]');
  await name.click({ count: 3 });
  await name.type('Still here');
  await page.deleteCookie({ name: 'sw_session', url: server.url });
  await press(page, 'footer .btn.p');
  await page.waitForSelector('[role=dialog] input[type=password]');
  assert.deepEqual(await violations(page), []);
  await page.type('[role=dialog] input[type=password]', server.key);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => !document.querySelector('[role=dialog]'));
  assert.equal(await page.$eval('input[name="product.name"]', (input) => input.value), 'Still here');
  assert.deepEqual(errors, []);
  await context.close();
});

test('the first view needs at most 100 KB of packed scripts', async () => {
  const { page, context } = await open(chromium.browser);
  await signIn(page);
  const session = await page.createCDPSession();
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const scripts = new Map();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, response }) => {
    if (response.mimeType === 'text/javascript') scripts.set(requestId, response.url);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await page.goto(`${server.url}/portal/`);
  await sees(page, 'Briefs');
  assert.ok(scripts.size > 0 && bytes > 10_000, 'scripts were counted');
  assert.ok(bytes <= 100_000, `${bytes} bytes`);
  console.log(`first view: ${bytes} bytes in ${scripts.size} scripts`);
  await context.close();
});
