// Pages over made-up answers: what a demo does not hold, at sizes and in states that a run does not reach in a test.
// The answers have the shapes of the API; fixtures.mjs holds them, one route a line.
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
const VARIANT = '0a000000-0000-7000-8000-000000200000';
const HOOK = '07000000-0000-7000-8000-000000000001';
const TRIAL = '0e000000-0000-7000-8000-00000000000';
const CAMPAIGN = `/campaigns/${RUN}-g2`;
const BRAND = '0k000000-0000-7000-8000-000000000001';
const button = (name) => `::-p-aria([name="${name}"][role="button"])`;

async function sees(page, words, timeout = 15_000) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout, polling: 100 }, words).catch(async () => {
    throw new Error(`"${words}" did not appear on ${page.url()}:\n${(await page.evaluate(() => document.body.innerText)).slice(0, 1500)}`);
  });
}
async function press(page, selector) {
  const found = await page.waitForSelector(selector, { visible: true });
  await found.click();
}
async function settle(page) {
  await page.waitForSelector('h1');
  await page.waitForFunction(() => !document.querySelector('.skeleton'));
  await new Promise((later) => setTimeout(later, 250));
}

const PAGES = [
  '/', '/inbox', '/results', '/results?view=history&import=01000000-0000-7000-8000-000000000001', '/results?view=figures', '/results?view=figures&source=simulated', '/experiments', '/experiments?view=board', '/experiments/new', `/experiments/${TRIAL}1`, `/experiments/${TRIAL}1?tab=metrics`, `/experiments/${TRIAL}1?tab=segments`, `/experiments/${TRIAL}3?tab=segments`, `/experiments/${TRIAL}1?tab=log`, `/experiments/${TRIAL}3`, `/experiments/${TRIAL}5`,
  '/market', '/market?tab=campaigns', '/calibration', '/calibration?source=imported', '/campaigns', `/campaigns/new?run=${RUN}`, CAMPAIGN, `${CAMPAIGN}?tab=ads`, `${CAMPAIGN}?tab=segments`, '/elements', '/brand', `/brand/${BRAND}`, '/brand/new', `/runs/${RUN}/approvals`, `/shared#${'ab'.repeat(32)}`, '/shared#none', '/briefs/0b000000-0000-7000-8000-000000000001?run=new',
  '/settings/members', '/settings/sessions', '/settings/audit', '/settings/appearance',
  '/developers/webhooks', `/developers/webhooks/${HOOK}`, `/developers/webhooks/${HOOK}?d=0d000000-0000-7000-8000-000000000006`, '/developers/events', '/developers/requests', '/money?view=ledger',
  `/runs/${RUN}/placement`, `/runs/${RUN}/variants`, `/runs/${RUN}/variants?view=grid`, `/runs/${RUN}/variants?view=table&v=${VARIANT}`, `/runs/${RUN}/storyboard/${VARIANT}`, '/join#token=inv_secret', '/join#token=none',
];

test('axe finds nothing on the new pages, light or dark, and none is wider than the window', async () => {
  const world = await mock();
  for (const theme of ['light', 'dark']) {
    const { page, errors, expected, context } = await open(chromium.browser, { theme, locale: theme === 'dark' ? 'zh-CN' : 'en-US' });
    // The film and a token that is none are not there.
    expected.push('404 (Not Found)', '401 (Unauthorized)');
    for (const path of PAGES) {
      await page.goto('about:blank');
      await page.goto(`${world.url}/portal${path}`);
      await settle(page);
      assert.deepEqual(await violations(page), [], `${path}, ${theme}`);
      for (const width of theme === 'light' ? [390, 1024] : [390]) {
        await page.setViewport({ width, height: 844 });
        await new Promise((later) => setTimeout(later, 60));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} is ${wide} px too wide at ${width}`);
      }
      await page.setViewport({ width: 1440, height: 900 });
    }
    assert.deepEqual(errors, []);
    await context.close();
  }
});

test('every page says what to do where nothing is yet', async () => {
  const world = await mock({ empty: true });
  const { page, errors, context } = await open(chromium.browser);
  for (const [path, words] of [['/', 'No brief yet'], ['/results?view=history', 'Nothing was handed in yet'], ['/results?view=figures', 'No figures here'], ['/settings/members', 'Nobody has joined yet'], ['/settings/audit', 'Nothing in the log'], ['/experiments', 'No experiment yet'], ['/campaigns', 'Nothing placed yet'], ['/market', 'Nothing placed yet'], ['/calibration', 'Too few ads to judge predictions'], ['/campaigns/new', 'Choose a run, videos and a budget'], ['/elements', 'Nothing to compare yet'], ['/brand', 'No brand yet'], ['/developers/webhooks', 'No webhook yet'], ['/developers/events', 'No event here'], ['/developers/requests', 'No request here']]) {
    await page.goto(`${world.url}/portal${path}`);
    await sees(page, words);
    assert.deepEqual(await violations(page), [], path);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('what a role may not open is absent, and its address shows nothing of it', async () => {
  const world = await mock({ role: 'viewer' });
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/`);
  await settle(page);
  const items = await page.$$eval('nav.side a.nav', (links) => links.map((link) => link.textContent.trim()));
  assert.ok(items.some((item) => item.startsWith('Results')) && items.some((item) => item.startsWith('Experiments')));
  assert.ok(!items.some((item) => item.startsWith('Developers')), String(items));
  for (const path of ['/settings/members', '/settings/audit', '/developers/keys', '/developers/webhooks', '/brand/new']) {
    await page.goto(`${world.url}/portal${path}`);
    await sees(page, 'Not found');
  }
  await page.goto(`${world.url}/portal/results`);
  await settle(page);
  assert.equal(await page.$('input[type=file]'), null, 'a viewer hands nothing in');
  const refused = world.asked.filter((one) => one.includes('/v1/members') || one.includes('/v1/api-keys') || one.includes('/v1/audit-log') || one.includes('/v1/approvals'));
  assert.deepEqual(refused, [], 'nothing is asked for that would be refused');
  assert.deepEqual(errors, []);
  await context.close();
});

test('sign-in by e-mail: refused in words, then let in; the password is nowhere to be read', async () => {
  const world = await mock();
  world.state.signedOut = world.state.session;
  const session = world.state.session;
  world.state.session = null;
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('401 (Unauthorized)', '429 (Too Many Requests)');
  await page.goto(`${world.url}/portal/signin`);
  await press(page, button('E-mail'));
  await page.type('input[type=email]', 'mara@hillroasters.example');
  await page.type('input[type=password]', 'slow down');
  await page.keyboard.press('Enter');
  await sees(page, 'Too many attempts.');
  for (const [password, words] of [['wrong horse', 'The e-mail or the password is wrong.'], ['correct horse', 'things need you']]) {
    await page.$eval('input[type=password]', (input) => { input.value = ''; });
    await page.type('input[type=password]', password);
    if (password === 'correct horse') world.state.session = session;
    await press(page, 'form .btn.p');
    await sees(page, words);
  }
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.documentElement.outerHTML);
  assert.ok(!kept.includes('correct horse'));
  assert.deepEqual(errors, []);
  await context.close();
});

test('an invitation is made, shown once, and accepted by who has its link', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('409 (Conflict)', '400 (Bad Request)');
  await page.goto(`${world.url}/portal/settings/members`);
  await press(page, button('Invite'));
  await page.waitForSelector('[role=dialog] input[type=email]');
  assert.deepEqual(await violations(page), []);
  await page.type('[role=dialog] input[type=email]', 'jonas@hillroasters.example');
  await press(page, '[role=dialog] form .btn.p');
  await sees(page, 'is a member already');
  await page.$eval('[role=dialog] input[type=email]', (input) => { input.value = ''; });
  await page.type('[role=dialog] input[type=email]', 'sam@hillroasters.example');
  await press(page, '[role=dialog] form .btn.p');
  const link = await (await page.waitForSelector('.secret')).evaluate((output) => output.textContent);
  assert.equal(link, `${world.url}/portal/join#token=inv_secret`);
  await press(page, button('I have kept it'));
  await page.waitForFunction(() => !document.body.innerText.includes('inv_secret'));
  await page.goto('about:blank');
  await page.goto(link);
  await sees(page, 'Join Hill Roasters');
  assert.equal(await page.$eval('input[id$="-name"]', (input) => input.value), 'Sam');
  await page.type('input[type=password]', 'short');
  await press(page, 'form .btn.p');
  assert.equal(await page.$eval('input[type=password]', (input) => input.validity.tooShort), true, 'the field says what is wrong');
  await page.type('input[type=password]', ' but long enough');
  await press(page, 'form .btn.p');
  await sees(page, 'things need you');
  assert.ok(!page.url().includes('token'));
  assert.deepEqual(errors, []);
  await context.close();
});

test('a role that cannot be changed is put back, and one that can is said', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('409 (Conflict)');
  await page.goto(`${world.url}/portal/settings/members`);
  await page.waitForSelector('select.role');
  const selects = await page.$$('select.role');
  await selects[0].select('viewer');
  await sees(page, 'the last owner can neither be removed');
  assert.equal(await selects[0].evaluate((select) => select.value), 'owner');
  await selects[2].select('approver');
  await sees(page, 'is now: Approver.');
  assert.deepEqual(errors, []);
  await context.close();
});

test('a file of results is asked about, previewed and only then stored', async () => {
  const world = await mock();
  world.state.preview.asks = [{ asked: 'currency', why: 'No column names one.', choices: ['USD', 'EUR'] }];
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/results`);
  const input = await page.waitForSelector('input[type=file]');
  await input.uploadFile(new URL('../../package.json', import.meta.url).pathname);
  await sees(page, 'The file leaves one thing open');
  await sees(page, '31 November is no day');
  assert.equal(world.state.imports.length, 3, 'nothing is stored by looking');
  assert.ok(await page.$eval('.foot .btn.p', (element) => element.disabled), 'nothing is stored while something is asked');
  assert.deepEqual(await violations(page), []);
  await page.type('.asks input', 'USD');
  await press(page, '.asks .btn.p');
  await page.waitForFunction(() => !document.querySelector('.asks'));
  await press(page, '.foot .btn.p');
  await sees(page, 'rows are stored');
  assert.equal(world.state.imports.length, 4);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a chart is read as a table and exported with its source', async () => {
  const world = await mock({ variants: 60 });
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/runs/${RUN}/placement`);
  await page.waitForSelector('svg.chart[role=img][aria-label]');
  // The details of the variants arrive one after the other.
  await sees(page, 'Of 12 variants,');
  await page.evaluate(() => {
    window.saved = [];
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { window.saved.push(blob); return make.call(URL, blob); };
  });
  for (const kind of ['CSV', 'SVG', 'PNG']) {
    await page.$eval('details.out', (element) => { element.open = true; });
    await press(page, `details.out[open] ${button(kind)}`);
  }
  await page.waitForFunction(() => window.saved.some((blob) => blob.type === 'image/png'));
  const [csv, svg] = await page.evaluate(() => Promise.all([window.saved.find((blob) => blob.type === 'text/csv').text(), window.saved.find((blob) => blob.type === 'image/svg+xml').text()]));
  assert.match(csv, /^Variant,[^\r\n]*,source\r\n/);
  const rows = csv.trim().split('\r\n');
  assert.ok(rows.length === 13 && rows.slice(1).every((row) => row.endsWith(',simulated')), csv.slice(0, 300));
  assert.ok(svg.startsWith('<svg') && !svg.includes('var('), 'a drawing has its colors with it');
  await press(page, button('Table: Predicted against clicked'));
  await page.waitForSelector('.tall table');
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(errors, []);
  await context.close();
});

test('simulated and imported figures never stand on one page without saying so', async () => {
  const world = await mock();
  const { page, context } = await open(chromium.browser);
  for (const source of ['imported', 'simulated']) {
    await page.goto(`${world.url}/portal/results?view=figures&source=${source}`);
    await page.waitForSelector('table.lines td.num .v');
    assert.equal((await page.$('.ribbon')) !== null, source === 'simulated');
    const [plain, marked] = await page.evaluate(() => [':not(.sim)', '.sim'].map((which) => [...document.querySelectorAll(`table.lines td.num .v${which}`)].filter((one) => /\d/.test(one.textContent)).length));
    assert.equal(source === 'simulated' ? plain : marked, 0, 'every simulated figure is underlined, and no other');
  }
  await page.goto(`${world.url}/portal/results?view=figures`);
  await settle(page);
  await press(page, '.seg button:first-child');
  await page.waitForSelector('.ribbon');
  assert.ok(!world.asked.includes('GET /v1/observations?source=all'));
  await context.close();
});

test('ten thousand variants: scrolling, filtering and choosing take at most 100 ms each', async () => {
  const world = await mock({ variants: 10_000 });
  const { page, errors, context } = await open(chromium.browser);
  // Ten thousand answers over a socket would measure the socket: the page makes the details itself.
  await page.evaluateOnNewDocument((templates) => {
    const real = window.fetch;
    window.fetch = async (input, init) => {
      const id = /^\/v1\/variants\/([0-9a-f-]{36})$/.exec(String(input))?.[1];
      if (!id) return real(input, init);
      const n = Number(id.slice(-12)) % 100_000;
      const generation = Math.floor(Number(id.slice(-12)) / 100_000);
      return new Response(JSON.stringify({ ...templates[n % templates.length], id, generation, number: n + 1 }), { headers: { 'content-type': 'application/json' } });
    };
  }, world.state.variants.slice(0, 72));
  await page.goto(`${world.url}/portal/runs/${RUN}/variants?view=table`);
  await page.waitForFunction(() => document.querySelector('.tools [role=status]')?.textContent.startsWith('10,000'), { timeout: 150_000, polling: 500 });
  await page.evaluate(() => {
    window.slow = [];
    new PerformanceObserver((list) => window.slow.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'event', durationThreshold: 16, buffered: false });
  });
  const taken = async () => {
    await new Promise((later) => setTimeout(later, 600));
    const times = (await page.evaluate(() => window.slow.splice(0))).sort((one, other) => one - other);
    return { n: times.length, p50: times[Math.floor(times.length / 2)] ?? 0, p95: times[Math.floor(times.length * 0.95)] ?? 0 };
  };
  // Beside the time to the next paint, what the page's thread works for a press, drawing with it: a machine that
  // has other things to do stretches the first and hardly the second.
  const session = await page.createCDPSession();
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const worked = async () => (await session.send('Performance.getMetrics')).metrics.find((one) => one.name === 'TaskDuration').value * 1000;
  const work = [];
  const pressing = async (act) => {
    const before = await worked();
    await act();
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    work.push((await worked()) - before);
  };
  const spun = { wall: 0, own: 0 };
  const spin = async () => {
    const before = await worked();
    spun.wall += await page.evaluate(() => {
      const begun = performance.now();
      for (let n = 0, sum = 0; n < 3e7; n += 1) sum = Math.sqrt(sum + n);
      return performance.now() - begun;
    });
    spun.own += (await worked()) - before;
  };
  await spin();
  // What the machine takes for a key that does nothing is not the page's doing.
  for (let presses = 0; presses < 12; presses += 1) await page.keyboard.press('q');
  const idle = await taken();
  const content = await page.$('.left');
  for (const view of ['Table', 'Grid', 'Matrix']) {
    // Found by its place: asking for names would have the browser keep its tree of names while it is measured.
    const found = await page.$(`.seg button:nth-child(${['Matrix', 'Grid', 'Table'].indexOf(view) + 1})`);
    await pressing(() => found.click());
    assert.equal(await found.evaluate((element) => element.getAttribute('aria-pressed') + element.textContent.trim()), `true${view}`);
    for (const share of [0.2, 0.9, 0.5, 0]) {
      await content.evaluate((element, at) => element.scrollTo(0, element.scrollHeight * at), share);
      await new Promise((later) => setTimeout(later, 80));
    }
    const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
    assert.ok(nodes < 4_000, `${nodes} elements on the page as ${view}`);
  }
  await spin();
  await pressing(() => page.click('.seg button:nth-child(3)'));
  for (let presses = 0; presses < 10; presses += 1) await pressing(() => page.keyboard.press('j'));
  for (let presses = 0; presses < 5; presses += 1) await pressing(() => page.keyboard.press('x'));
  await pressing(() => page.keyboard.press('Escape'));
  await page.type('input[type=search]', 'quiet');
  const busy = await taken();
  console.log(`interaction to next paint over ${busy.n} events: p50 ${busy.p50} ms, p95 ${busy.p95} ms; of a key that does nothing: p50 ${idle.p50} ms, p95 ${idle.p95} ms`);
  await spin();
  const stretch = spun.wall / spun.own;
  const longest = Math.max(...work);
  console.log(`work of the page's thread over ${work.length} presses: ${Math.round(work.reduce((sum, one) => sum + one, 0) / work.length)} ms on average, ${Math.round(longest)} ms at most; the machine stretches work by ${stretch.toFixed(2)}`);
  const most = Number(process.env.PORTAL_INP_MS ?? 100);
  assert.ok(longest <= most, `a press costs ${Math.round(longest)} ms of work: ${work.map(Math.round)}`);
  if (stretch <= 1.3) assert.ok(busy.p95 - idle.p95 <= most, `${busy.p95} ms at the 95th percentile, ${idle.p95} ms of them the machine's`);
  else console.log('the time to the next paint is not judged: the machine has other things to do');
  assert.deepEqual(errors, []);
  await context.close();
});

test('nothing on the page moves while live events arrive', async () => {
  const world = await mock({ variants: 12 });
  const { state } = world;
  const run = state.runs[0];
  const all = state.variants;
  state.variants = [];
  state.parents = [];
  run.counts = { ...run.counts, previewed: 0, scored: 0 };
  run.generation = 1;
  run.stage = 'planning';
  const { page, errors, context } = await open(chromium.browser);
  await page.evaluateOnNewDocument(() => {
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => ({ value: entry.value, what: entry.sources.map((source) => `${source.node?.nodeName}.${source.node?.className ?? ''}`).join(' ') })))).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(`${world.url}/portal/runs/${RUN}`);
  await page.waitForSelector('table.stills');
  await new Promise((later) => setTimeout(later, 900));
  await page.evaluate(() => { window.shifts = []; });
  // A question comes, and goes on without an answer.
  state.askedBy = RUN;
  run.stage = 'waiting_for_answers';
  world.tell('spotwright.creative.requested.v1', {}, 1);
  await page.waitForSelector('.question');
  state.questions = state.questions.map((one) => ({ ...one, closed: true }));
  run.stage = 'drafting';
  await page.waitForFunction(() => !document.querySelector('.question'));
  for (const [idx, one] of all.entries()) {
    const made = { ...one, generation: 1, state: idx % 2 ? 'previewed' : 'scored', placement: null, video: null, failure: null, ...(idx % 2 ? { score: null } : {}) };
    state.variants = [...state.variants, made];
    run.stage = idx > 3 ? 'scoring' : 'drafting';
    run.counts = { ...run.counts, previewed: idx, scored: Math.floor(idx / 2) };
    run.money = { ...run.money, settled_micros: 1_000_000 * idx, reserved_micros: 3_000_000 };
    world.tell('spotwright.variant.scored.v1', { variant: one.id, generation: 2, predicted_ctr: 0.01 }, idx + 2);
    await new Promise((later) => setTimeout(later, 330));
  }
  await page.waitForFunction(() => document.querySelectorAll('table.stills img').length === 12 && document.querySelectorAll('.events .mono').length > 10);
  // Figures at the right edge grow to the left by a digit; nothing else may move, and all of it together is 0.000.
  const shifts = await page.evaluate(() => window.shifts);
  const whole = shifts.reduce((sum, one) => sum + one.value, 0);
  console.log(`layout shift while ${all.length} variants arrive: ${whole.toFixed(6)}`);
  assert.ok(whole < 0.0005, JSON.stringify(shifts));
  assert.deepEqual(errors, []);
  await context.close();
});

test('what looks like a script is shown as text on every new page', async () => {
  const evil = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{constructor}}${7*7}javascript:alert(3)';
  const world = await mock({ evil });
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('404 (Not Found)', '401 (Unauthorized)');
  let shown = 0;
  for (const path of PAGES) {
    await page.goto('about:blank');
    await page.goto(`${world.url}/portal${path}`);
    await settle(page);
    const found = await page.evaluate(() => ({ image: document.querySelector('img[src="x"]') !== null, link: document.querySelector('a[href^="javascript:"]') !== null, text: document.body.innerText.includes('<img src=x onerror=alert(1)>') }));
    assert.deepEqual([found.image, found.link], [false, false], path);
    shown += Number(found.text);
  }
  assert.ok(shown > 20, `the text was seen on ${shown} pages`);
  assert.deepEqual(errors, []);
  await context.close();
});

test('webhooks: made with a secret shown once, tested, failed messages sent again', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('422 (Unprocessable Entity)');
  await page.goto(`${world.url}/portal/developers/webhooks`);
  await press(page, button('Create webhook'));
  await page.type('[role=dialog] input[type=url]', 'http://plain.example');
  await page.type('[role=dialog] input:not([type=url]):not([type=checkbox])', 'mine');
  await press(page, '[role=dialog] form .btn.p');
  await sees(page, 'begins with https://');
  await page.$eval('[role=dialog] input[type=url]', (input) => { input.value = ''; });
  await page.type('[role=dialog] input[type=url]', 'https://mine.example/hook');
  await press(page, '[role=dialog] form .btn.p');
  await sees(page, 'whsec_shown_once');
  assert.deepEqual(await violations(page), []);
  await press(page, button('I have kept it'));
  await page.waitForFunction(() => !document.body.innerText.includes('whsec_'));
  await page.goto(`${world.url}/portal/developers/webhooks/${HOOK}`);
  await sees(page, '12 tries, gave up');
  await press(page, button('Send test event'));
  await sees(page, 'The receiver answered 200 after 71 ms.');
  await press(page, button('Replay 2 failed'));
  await sees(page, '2 messages are queued again.');
  assert.deepEqual(errors, []);
  await context.close();
});

test('a storyboard is walked by keys, frame by frame and shot by shot', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('404 (Not Found)');
  await page.goto(`${world.url}/portal/runs/${RUN}/storyboard/${VARIANT}`);
  await sees(page, 'frame 1 of 450');
  await page.keyboard.press('ArrowRight');
  await sees(page, 'frame 2 of 450');
  await page.keyboard.press(']');
  await sees(page, 'frame 106 of 450');
  await sees(page, 'Shot 2, Body');
  await page.keyboard.press('[');
  await sees(page, 'frame 1 of 450');
  assert.ok(await page.$('svg.zone'), 'the safe zone that the gate required is drawn');
  await sees(page, 'Texts in the safe zone');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => location.pathname.endsWith('/variants'));
  assert.deepEqual(errors, []);
  await context.close();
});
