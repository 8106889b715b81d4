// Finds every page that can be reached by links, and looks at one of each kind in every mode.

import { accessibility, deadButtons, dress, MODES, overflow } from './browser.mjs';

const INSTANCES = 4; // pages of one kind whose links are followed
const CHILDREN = 12; // names below one address before they count as one kind
const REQUESTS = 3_000;

/** The kinds of pages met so far, and which kind an address is of. */
class Kinds {
  #children = new Map();

  /** `/customers/42?tab=x&after=9` is of `/customers/{id}`, asked with `after, tab`. */
  of(url) {
    let kind = '';
    for (const part of url.pathname.split('/').filter(Boolean)) {
      kind += `/${this.#known(part) ?? this.#name(kind, part)}`;
    }
    return { kind: kind || '/', asked: [...new Set(url.searchParams.keys())].sort().join(', ') };
  }

  #known(part) {
    if (/^\d+$/.test(part)) return '{id}';
    if (/^\d{4}-\d{2}(-\d{2})?$/.test(part)) return '{date}';
    if (/^\d{4}-\d+$/.test(part)) return '{number}';
    if (/^[0-9a-f]{16,}$/i.test(part)) return '{key}';
    return undefined;
  }

  #name(parent, part) {
    const names = this.#children.get(parent) ?? new Set();
    this.#children.set(parent, names);
    if (parent && !names.has(part) && names.size >= CHILDREN) return '{name}';
    names.add(part);
    return part;
  }
}

/**
 * Follows every link of the same origin from `start` with the visitor's cookies. Gives back
 * `pages`, a map from kind to the first address of it, and `problems`: links that lead nowhere or
 * to what this visitor may not see.
 */
export async function crawl(context, origin, start = ['/today']) {
  const kinds = new Kinds();
  const seen = new Set();
  const counts = new Map();
  const waiting = start.map((path) => ({ url: new URL(path, origin), from: 'the start' }));
  const pages = new Map();
  const problems = [];

  while (waiting.length > 0 && seen.size < REQUESTS) {
    const { url, from, part } = waiting.shift();
    url.hash = '';
    if (url.origin !== origin || seen.has(url.href)) continue;
    const { kind, asked } = kinds.of(url);
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
  if ((await page.locator('h1').count()) !== 1) found.push(`has ${await page.locator('h1').count()} main headings`);
  if (!(await page.title())) found.push('has no title');
  const seenIn = new Map();
  for (const mode of Object.keys(MODES)) {
    await dress(page, mode);
    for (const problem of [...(await overflow(page)), ...(await accessibility(page))]) {
      seenIn.set(problem, [...(seenIn.get(problem) ?? []), mode]);
    }
  }
  for (const [problem, modes] of seenIn) found.push(`${modes.join(', ')}: ${problem}`);
  found.push(...problems.splice(0));
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
