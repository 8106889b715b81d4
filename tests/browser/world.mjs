// Starts the built program on a store of its own and stops it again.
//
//   const world = await fresh();                     // set up, with one administrator
//   const world = await empty();                     // not set up: world.setup is the link
//   const world = await demo();                      // the believable small MSP of `portico demo`
//   world.origin, world.people[0].name, world.people[0].password
//   await verb(world.data, ['token', 'create', …]);  // beside it
//   await world.stop();                              // SIGTERM; anything but a clean end throws

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const program =
  process.env.PROGRAM_UNDER_TEST ?? resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug', 'portico');

// Portico takes every PORTICO_ variable for a setting, also those meant for somebody else's.
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('PORTICO_')),
);

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
  const init = ['init', '--organisation', organisation, '--admin-email', email, '--password-stdin'];
  await verb(data, init, { input: `${password}\n`, env });
  const world = await start(['serve', ...serve], data, data, env);
  world.people = [{ name: email, password }];
  return world;
}

/** A store that waits to be set up, at `setup`. */
export async function empty() {
  const data = await mkdtemp(join(tmpdir(), 'portico-'));
  const world = await start(['serve'], data, data, {});
  const line = world.output.find((each) => each.includes('/setup?code='));
  world.setup = /http\S+\/setup\?code=\S+/.exec(line)?.[0];
  return world;
}

/** The demonstration, with the people it names. */
export async function demo({ env = {} } = {}) {
  const parent = await mkdtemp(join(tmpdir(), 'portico-'));
  const world = await start(['demo'], join(parent, 'demo'), parent, env);
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

/** Runs a verb to its end, also beside a server, and gives back what it printed. */
export async function verb(data, words, { input = '', env = {} } = {}) {
  const run = promisify(execFile)(program, [...words, '--data', data], {
    env: { ...inherited, ...env },
  });
  run.child.stdin.on('error', () => {}); // it refused before it read
  run.child.stdin.end(input);
  return (await run).stdout;
}

async function start(words, data, folder, env) {
  const child = spawn(program, [...words, '--listen', '127.0.0.1:0', '--data', data], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const world = { data, output: [], log: [], people: [], process: child };
  createInterface({ input: child.stderr }).on('line', (line) => world.log.push(line));
  const said = () => [...world.output, ...world.log.slice(-40)].join('\n');

  const end = new Promise((done) => {
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => done(signal ?? code));
  });

  world.stop = async () => {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const how = await end;
    clearTimeout(hard);
    await rm(folder, { recursive: true, force: true });
    if (how !== 0) throw new Error(`portico ${words[0]} ended with ${how}:\n${said()}`);
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
    end.then((how) => Promise.reject(new Error(`portico ${words[0]} did not start (${how}):\n${said()}`))),
  ]);
  clearTimeout(late);
  // Lines printed together with the address may still be on their way.
  await sleep(200);
  return world;
}
