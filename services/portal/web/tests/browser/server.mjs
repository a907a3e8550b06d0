// The program itself, on a loopback port over a new SQLite file, with an organization and a demo.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const top = new URL('../../../../../', import.meta.url).pathname;
const run = promisify(execFile);

async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

export async function start() {
  const target = process.env.CARGO_TARGET_DIR ?? join(top, 'target');
  const program = process.env.SPOTWRIGHT_BIN ?? join(target, 'debug/spotwright');
  const folder = await mkdtemp(join(tmpdir(), 'spotwright-portal-'));
  const port = await freePort();
  const env = {
    ...process.env,
    SPOTWRIGHT__SERVE__PEPPER: randomBytes(32).toString('hex'),
    SPOTWRIGHT__SERVE__FOLDER: join(folder, 'data'),
    SPOTWRIGHT__SERVE__ADDRESS: `127.0.0.1:${port}`,
    SPOTWRIGHT_LOG: 'warn',
  };
  const operator = JSON.parse((await run(program, ['operator', '--json'], { env })).stdout).key;
  const child = spawn(program, ['serve', '--demo'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, log] = ['', ''];
  child.stdout.on('data', (bytes) => (out += bytes));
  child.stderr.on('data', (bytes) => (log += bytes));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const ready = await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (tries > 600 || child.exitCode !== null) throw new Error(`the server did not start: ${log}`);
    await new Promise((later) => setTimeout(later, 100));
  }

  async function ask(method, path, key, body, type = 'application/json') {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'idempotency-key': randomBytes(8).toString('hex'), 'content-type': type },
      body: body === undefined ? undefined : type === 'application/json' ? JSON.stringify(body) : body,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  const founded = await ask('POST', '/v1/organizations', operator, { name: 'Hill Roasters' });
  return {
    url,
    key: founded.secret,
    organization: founded.organization.id,
    operator,
    ask,
    link: () => /http:\S+#link=\S+/.exec(out)?.[0],
    example: (name) => readFile(join(top, 'examples', name)),
    log: () => log,
    async stop() {
      const ended = new Promise((over) => child.once('exit', over));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
