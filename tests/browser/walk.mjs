// Finds every page that can be reached by links, and looks at one of each kind in every mode.

import { accessibility, COLOURS, deadButtons, dress, MODES, overflow } from './browser.mjs';

const INSTANCES = 3; // pages of one kind whose links are followed
const REQUESTS = 3_000;

// What stands below these in an address is a code, unless it is one of the words.
const CODED = new Set(['services', 'plans', 'properties', 'offers', 'scripts']);
const WORDS = new Set(['new', 'why']);

/** `/customers/42?tab=x&after=9` is of the kind `/customers/{id}`, asked with `after, tab`. */
function kindOf(url) {
  const parts = url.pathname.split('/').filter(Boolean);
  const kinds = parts.map((part, at) => {
    if (/^\d{4}-\d{2}(-\d{2})?$/.test(part)) return '{date}';
    if (/^[0-9a-f]{16,}$/i.test(part)) return '{key}';
    if (CODED.has(parts[at - 1]) && !WORDS.has(part)) return '{code}';
    return /^\d+$/.test(part) ? '{id}' : part;
  });
  return { kind: `/${kinds.join('/')}`, asked: [...new Set(url.searchParams.keys())].sort().join(', ') };
}

/**
 * Follows every link of the same origin from `start` with the visitor's cookies. Gives back
 * `pages`, a map from kind to the first address of it, and `problems`: links that lead nowhere or
 * to what this visitor may not see.
 */
export async function crawl(context, origin, start = ['/today']) {
  const seen = new Set();
  const counts = new Map();
  const waiting = start.map((path) => ({ url: new URL(path, origin), from: 'the start' }));
  const pages = new Map();
  const problems = [];

  while (waiting.length > 0 && seen.size < REQUESTS) {
    const { url, from, part } = waiting.shift();
    url.hash = '';
    if (url.origin !== origin || seen.has(url.href)) continue;
    const { kind, asked } = kindOf(url);
    const key = `${kind}?${asked}`;
    const count = counts.get(key) ?? 0;
    if (count >= INSTANCES) continue;
    counts.set(key, count + 1);
    seen.add(url.href);

    const answer = await context.request.get(url.href, { maxRedirects: 0, failOnStatusCode: false });
    const status = answer.status();
    const type = answer.headers()['content-type'] ?? '';
    if (status >= 300 && status < 400) {
      waiting.push({ url: new URL(answer.headers().location, url), from: url.pathname });
    } else if (status >= 400) {
      problems.push(`${url.pathname}${url.search} answers ${status} (linked from ${from})`);
    } else if (type.startsWith('text/html')) {
      const text = await answer.text();
      if (!part && !pages.has(kind)) pages.set(kind, url.href);
      // A part of a page is put into it, so its links are relative to the page.
      waiting.push(...links(text, part ?? url));
    }
    await answer.dispose();
  }
  if (seen.size >= REQUESTS) problems.push(`more than ${REQUESTS} addresses: a kind of page is not recognised`);
  return { pages, problems, visited: seen.size };
}

function links(text, base) {
  const found = [];
  const from = base.pathname;
  const add = (address, part) => {
    const url = new URL(address, base);
    if (/^https?:$/.test(url.protocol)) found.push({ url, from, part });
  };
  const plain = (value) => value.replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, '&');
  for (const [, value] of text.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)) add(plain(value));
  for (const [, value] of text.matchAll(/\shx-get="([^"]*)"/g)) add(plain(value), base);
  for (const [tag] of text.matchAll(/<form\b[^>]*>/g)) {
    const action = /\saction="([^"]*)"/.exec(tag)?.[1] ?? '';
    if (!/\smethod="(post|dialog)"/i.test(tag)) add(plain(action) || base.href);
  }
  return found;
}

/** One page in every mode. `visitor.problems` is emptied into the answer. */
export async function examine(visitor, address) {
  const { page, problems } = visitor;
  const found = [];
  const answer = await page.goto(address, { waitUntil: 'load' });
  if (!answer?.ok()) found.push(`answers ${answer?.status()}`);
  found.push(...(await look(page)), ...problems.splice(0));
  return found;
}

/** The page that is open, as it is, in every mode. */
export async function look(page) {
  const found = [];
  const headings = await page.locator('h1').count();
  if (headings !== 1) found.push(`has ${headings} main headings`);
  if (!(await page.title())) found.push('has no title');
  const seenIn = new Map();
  for (const mode of Object.keys(MODES)) {
    await dress(page, mode);
    // What the dark changes are the colours.
    const rules = mode.includes('dark') ? COLOURS : undefined;
    for (const problem of [...(await overflow(page)), ...(await accessibility(page, rules))]) {
      seenIn.set(problem, [...(seenIn.get(problem) ?? []), mode]);
    }
  }
  await dress(page, 'light');
  for (const [problem, modes] of seenIn) found.push(`${modes.join(', ')}: ${problem}`);
  return found;
}

/** One page without JavaScript: it says the same, and every button works. */
export async function examineWithoutJavaScript(visitor, address) {
  const { page, problems } = visitor;
  const found = [];
  const answer = await page.goto(address, { waitUntil: 'load' });
  if (!answer?.ok()) found.push(`answers ${answer?.status()}`);
  if (!(await page.locator('h1').first().isVisible())) found.push('shows no heading');
  found.push(...(await deadButtons(page)), ...problems.splice(0));
  return found.map((problem) => `without JavaScript: ${problem}`);
}
