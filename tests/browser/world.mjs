// Starts the built program on a store of its own and stops it again.
//
//   const world = await fresh();                     // set up, with one administrator
//   const world = await demo();                      // the believable small MSP of `portico demo`
//   world.origin, world.people[0].name, world.people[0].password
//   await world.stop();                              // SIGTERM; anything but a clean end throws

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const program =
  process.env.PORTICO_PROGRAM ?? join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug', 'portico');

const START_MS = 120_000; // making the demonstration takes longest
const STOP_MS = 90_000;

/** A store that was just set up. `env` and `serve` add settings and flags to the server. */
export async function fresh({
  organisation = 'Nine Nines Hosting',
  email = 'ada@ninenines.example',
  password = 'correct horse battery staple',
  env = {},
  serve = [],
} = {}) {
  const data = await mkdtemp(join(tmpdir(), 'portico-'));
  const init = promisify(execFile)(
    program,
    ['init', '--organisation', organisation, '--admin-email', email, '--password-stdin', '--data', data],
    { env: { ...process.env, ...env } },
  );
  init.child.stdin.end(`${password}\n`);
  await init;
  const world = await start(['serve', ...serve], data, env);
  world.people = [{ name: email, password }];
  return world;
}

/** The demonstration, with the people it names. */
export async function demo({ env = {} } = {}) {
  const parent = await mkdtemp(join(tmpdir(), 'portico-'));
  const world = await start(['demo'], join(parent, 'demo'), env);
  world.people = world.output
    .map((line) => /Sign in as (\S+) with password (\S+)/.exec(line))
    .filter(Boolean)
    .map(([, name, password]) => ({ name, password: password.replace(/\.$/, '') }));
  if (world.people.length === 0) {
    await world.stop();
    throw new Error(`the demonstration named nobody to sign in as:\n${world.output.join('\n')}`);
  }
  return world;
}

async function start(verb, data, env) {
  const child = spawn(program, [...verb, '--listen', '127.0.0.1:0', '--data', data], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const world = { data, output: [], log: [], people: [], process: child };
  createInterface({ input: child.stderr }).on('line', (line) => world.log.push(line));
  const said = () => [...world.output, ...world.log.slice(-40)].join('\n');

  let ended = false;
  const end = new Promise((done) => {
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => done(signal ?? code));
  }).then((how) => ((ended = true), how));

  world.stop = async () => {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const how = await end;
    clearTimeout(hard);
    await rm(data, { recursive: true, force: true });
    if (how !== 0) throw new Error(`portico ${verb[0]} ended with ${how}:\n${said()}`);
  };

  const lines = createInterface({ input: child.stdout });
  const listening = new Promise((done) => {
    lines.on('line', (line) => {
      world.output.push(line);
      const found = /Portico listens on (http:\/\/\S+)/.exec(line);
      if (found) done(found[1].replace(/[/.]$/, ''));
    });
  });
  const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
  world.origin = await Promise.race([
    listening,
    end.then((how) => Promise.reject(new Error(`portico ${verb[0]} did not start (${how}):\n${said()}`))),
  ]);
  clearTimeout(late);
  // Lines printed together with the address may still be on their way.
  if (!ended) await Promise.race([once(lines, 'line').catch(() => {}), new Promise((go) => setTimeout(go, 300))]);
  return world;
}
