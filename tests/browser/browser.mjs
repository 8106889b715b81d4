// Chromium, and pages that notice what a person would not be told: console errors, scripts that
// throw, parts that do not load, requests that leave this machine.

import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

// Without these Chromium talks to hosts of its maker at every start.
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/** How each page is looked at. */
export const MODES = {
  light: { viewport: DESKTOP, colorScheme: 'light' },
  dark: { viewport: DESKTOP, colorScheme: 'dark' },
  phone: { viewport: PHONE, colorScheme: 'light' },
  'phone dark': { viewport: PHONE, colorScheme: 'dark' },
};

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** The rules of axe that colours decide. */
export const COLOURS = ['color-contrast', 'link-in-text-block'];

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
}

/** A visitor: a context of its own, whose `problems` fill as its pages misbehave. */
export async function visitor(browser, world, { mode = 'light', javaScript = true } = {}) {
  const context = await browser.newContext({
    baseURL: world.origin,
    javaScriptEnabled: javaScript,
    reducedMotion: 'reduce',
    ...MODES[mode],
  });
  const problems = [];
  const here = new URL(world.origin).origin;
  await context.route(
    (url) => url.origin !== here && /^(https?|wss?):$/.test(url.protocol),
    (route) => {
      problems.push(`a request left the machine: ${route.request().url()}`);
      return route.abort();
    },
  );
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()} (${message.page()?.url()})`);
  });
  context.on('weberror', (error) => problems.push(`script: ${error.error().message}`));
  context.on('requestfailed', (request) => {
    const why = request.failure()?.errorText;
    // A page that is left stops what it was loading; that is no fault of the page.
    if (why !== 'net::ERR_ABORTED') problems.push(`${request.url()} did not load: ${why}`);
  });
  return { context, problems, page: await context.newPage() };
}

/** The same without JavaScript. */
export const withoutJavaScript = (browser, world, options = {}) =>
  visitor(browser, world, { ...options, javaScript: false });

/** Signs in through the page, as a person does: who must have a second factor sets one first. */
export async function signIn(page, person) {
  await givePassword(page, person);
  if (page.url().includes('/account/factor')) await setFactor(page, person);
  if (page.url().includes('/sign-in/code')) await giveCode(page, person);
  await page.waitForURL((url) => !/^\/(sign-in|account\/factor)/.test(url.pathname));
}

export async function givePassword(page, { name, password }) {
  await page.goto('/sign-in');
  await page.locator('input[autocomplete="username"]').fill(name);
  await page.locator('input[autocomplete="current-password"]').fill(password);
  await page.locator('form:has(input[type="password"]) button').last().click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
}

/** Types the secret of the page into a device, and what the device shows into the page. */
export async function setFactor(page, person) {
  person.secret = (await page.locator('#factor-secret').textContent()).replaceAll(' ', '');
  person.step = step();
  await page.getByLabel('Code', { exact: true }).fill(code(person.secret, person.step));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.getByText('Keep these codes somewhere safe').waitFor();
  person.recoveryCodes = (await page.locator('pre').textContent()).trim().split('\n');
  await page.getByRole('link', { name: 'Done' }).click();
}

/** None counts twice, so the next half minute's is given when this one's was used: it may be that early. */
export async function giveCode(page, person) {
  while (step() + 1 <= person.step) await sleep(500);
  person.step = Math.max(step(), person.step + 1);
  await page.getByLabel('Code', { exact: true }).fill(code(person.secret, person.step));
  await page.getByRole('button', { name: 'Go on' }).click();
}

const step = () => Math.floor(Date.now() / 30_000);

/** RFC 6238, as an authenticator app does it. */
export function code(secret, step) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', key).update(counter).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Shows the page in a mode, and lets it come to rest: a colour half way to another misleads. */
export async function dress(page, mode) {
  const { viewport, colorScheme } = MODES[mode];
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const animation of document.getAnimations()) {
      if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
    }
  });
}

/** What axe finds by all its rules or by `rules`, one line a rule, with the first places. */
export async function accessibility(page, rules) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  const violations = await page.evaluate(
    async (runOnly) => {
      const run = await globalThis.axe.run(document, {
        runOnly,
        resultTypes: ['violations'],
      });
      return run.violations.map(({ id, impact, help, nodes }) => ({
        id,
        impact,
        help,
        places: nodes.slice(0, 3).map((node) => node.target.join(' ')),
        count: nodes.length,
        why: nodes[0].failureSummary.split('\n').slice(1).join(' ').trim(),
      }));
    },
    rules ? { type: 'rule', values: rules } : { type: 'tag', values: TAGS },
  );
  return violations.map(
    ({ id, impact, help, places, count, why }) =>
      `axe ${impact} ${id}: ${help}: ${count} of ${places.join(' · ')}; the first: ${why}`,
  );
}

/** Nobody should have to scroll sideways. Wide tables scroll within themselves. */
export async function overflow(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const scrolls = (element) =>
      element && element !== document.body &&
      (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
    const wide = [...document.body.querySelectorAll('*')].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.width > 0 && (box.right > width + 1 || box.left < -1) && !scrolls(element.parentElement);
    });
    const name = (element) => element.tagName.toLowerCase() + (element.className ? `.${element.classList[0]}` : '');
    return [`wider than the window by ${document.documentElement.scrollWidth - width} px: ` +
      wide.slice(-3).map(name).join(' · ')];
  });
}

/** Buttons a person sees but which need a script. Looked for with JavaScript off. */
export async function deadButtons(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('button')]
      .filter((button) => button.checkVisibility({ visibilityProperty: true }))
      .filter((button) => !button.hasAttribute('popovertarget') && !button.hasAttribute('commandfor'))
      .filter((button) => !button.form || button.type === 'button')
      .map((button) => `does nothing without JavaScript: “${button.textContent.trim() || button.ariaLabel}”`),
  );
}
