// A newcomer connects a real domain by hand: makes the connector and mends what its check says, imports
// who has an account there, gives the shipped service, watches it, loses the connection, reads why,
// mends it and tries again.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { launch, signIn, visitor } from './browser.mjs';
import { fresh } from './world.mjs';

const run = promisify(execFile);
const peer = fileURLToPath(new URL('../peers/samba', import.meta.url));
const folder = process.env.PORTICO_TEST_AD ?? '/tmp/portico-peers/ad';
const PATIENCE_MS = 60_000;

// The domain is shared with other tests: everything of this one carries its name.
const mark = `w${randomBytes(4).toString('hex')}`;
const part = `OU=${mark},DC=msp,DC=test`;
const account = `svc-${mark}`;
const domain = `${mark}.example`;
const password = 'Quay.Lantern.47';

let browser;
let world;

/** What an administrator of the domain does, beside Portico. */
async function tool(...words) {
  const store = ['-H', `${folder}/private/sam.ldb`, '-s', `${folder}/etc/smb.conf`];
  return (await run('samba-tool', [...words, ...store])).stdout;
}

const person = (first, last) => {
  const name = `${first}.${last}`.toLowerCase();
  return [
    `dn: CN=${first} ${last},OU=Staff,${part}`,
    'objectClass: user',
    `sAMAccountName: ${mark}.${first.toLowerCase()}`,
    `userPrincipalName: ${name}@${domain}`,
    `givenName: ${first}`,
    `sn: ${last}`,
    `displayName: ${first} ${last}`,
    `mail: ${name}@${domain}`,
    'userAccountControl: 544',
    '',
    '',
  ].join('\n');
};

async function furnish() {
  await run(peer, ['start'], { timeout: 120_000 });
  const ous = [`OU=${mark},DC=msp,DC=test`, `OU=Staff,${part}`]
    .map((dn) => `dn: ${dn}\nobjectClass: organizationalUnit\n\n`)
    .join('');
  const at = await mkdtemp(join(tmpdir(), 'portico-'));
  await writeFile(join(at, 'people.ldif'), ous + person('Maren', 'Tolliver') + person('Theo', 'Vane'));
  await run(peer, ['add', join(at, 'people.ldif')]);
  await rm(at, { recursive: true });
  await tool('user', 'create', account, password);
  const sid = /objectSid: (\S+)/.exec(await tool('user', 'show', account, '--attributes=objectSid'))[1];
  await tool('dsacl', 'set', `--objectdn=${part}`, `--sddl=(A;CI;GA;;;${sid})`);
}

before(async () => {
  [world, browser] = await Promise.all([fresh(), launch(), furnish()]);
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

test('a newcomer connects a domain, breaks the connection, reads why and mends it', async (t) => {
  const { page, problems } = await visitor(browser, world);
  page.setDefaultTimeout(PATIENCE_MS);
  await signIn(page, world.people[0]);
  const main = page.getByRole('main');
  const press = (name) => main.getByRole('button', { name, exact: true }).first().click();
  const follow = (name) => main.getByRole('link', { name, exact: true }).first().click();
  const fill = (label, text) => main.getByRole('textbox', { name: label }).first().fill(text);
  const heading = (name) => main.getByRole('heading', { level: 1, name }).waitFor();
  const says = (text) => main.getByText(text).first().waitFor();
  const trust = await readFile(`${folder}/tls/ca.pem`, 'utf8');
  const at = {};

  const step = (name, what) =>
    t.test(name, { skip: page.failed }, async () => {
      try {
        await what();
      } catch (error) {
        page.failed = true;
        error.message += `\nat ${page.url()}\n${await main.ariaSnapshot().catch(() => '')}`;
        throw error;
      }
    });

  /** Adds a user with the service, and opens what is done for it. */
  async function addWithAccount(first, last) {
    await page.goto(`${at.customer}/users/new`);
    await fill(/^First name/, first);
    await fill(/^Last name/, last);
    await main.getByLabel('Directory account, Account').check();
    await main.getByLabel('Customer administrator', { exact: true }).uncheck();
    await press('Show the plan');
    await says('6 steps outside');
    await press('Add user');
    await heading(`${first} ${last}`);
    await page.goto(`${new URL(page.url()).pathname}/requests`);
    await follow(`Give Directory account to ${first} ${last}`);
    await heading(`Give Directory account to ${first} ${last}`);
  }

  /** Waits until the page of a request says how it ended: it turns by itself. A domain with much to do
   *  may be asked again after a while. */
  const ends = (how) =>
    main.getByText(new RegExp(`^Request \\d+: ${how}`)).first().waitFor({ timeout: 4 * PATIENCE_MS });

  await step('there is a customer', async () => {
    await page.goto('/customers/new');
    await fill('Name', 'Aldermoor');
    await fill(/^Code/, mark.toUpperCase()); // user names end with it, and are taken once in a domain
    await fill('Contact', 'Ruth Verlaine');
    await fill('Contact email', `ruth@${domain}`);
    await fill('Domain', domain);
    await press('Show the plan');
    await press('Add customer');
    await heading('Aldermoor');
    at.customer = new URL(page.url()).pathname;
  });

  await step('a connector is made, and its check says what to mend', async () => {
    await page.goto('/connectors');
    await follow('New connector');
    await follow('Connect a directory');
    await fill('Name', 'Office domain');
    await fill('Machines', '127.0.0.1');
    await fill('Account', `${account}@msp.test`);
    await main.getByLabel('Password', { exact: true }).fill(password);
    await press('Make the connector');
    await heading('Office domain');
    at.connector = new URL(page.url()).pathname;
    await press('Check it');
    await says('is not a public address');
    await page.goto(`${at.connector}/edit`);
    await fill(/^Networks/, '127.0.0.0/8');
    await press('Save');
    await press('Check it');
    await says('is from an authority that is not trusted here');
    await page.goto(`${at.connector}/edit`);
    await fill(/^Certificate authority/, trust);
    await press('Save');
    await press('Check it');
    await says('is let in.');
  });

  await step('a directory and a location are made of it, and the customer lives there', async () => {
    await page.goto('/directories');
    await follow('New directory');
    await fill('Name', 'Office');
    await fill('Base', 'DC=msp,DC=test');
    await press('Look at it and make it');
    await heading('Office');
    await follow('Make a location');
    await fill('Name', 'Office, shared');
    await main.getByLabel(/^Directory/).last().selectOption({ label: 'Office (DC=msp,DC=test)' });
    await fill(/^OU/, part);
    await press('Make the location');
    await heading('Office, shared');
    await page.goto(at.connector);
    await press('Check it');
    await says(part);
    assert.equal(await main.getByText('Wrong', { exact: true }).count(), 0, 'all is well below the OU');
    await page.goto(`${at.customer}/location`);
    await main.getByLabel(/^Location/).selectOption({ label: 'Office, shared: shared, Office' });
    await press('Save');
    await says('Saved.');
  });

  await step('who has an account there is imported', async () => {
    await follow('Import people from it');
    await says('Import from a directory');
    // Other tests fill the domain: its OUs are many pages.
    await page.goto(`${at.customer}/directory-import?at=${encodeURIComponent(part)}`);
    await main.getByRole('button', { name: /^Look at everything below/ }).click();
    await says('What would happen');
    assert.equal(await main.getByText('New user', { exact: true }).count(), 2);
    await press('Add 2');
    await says('2 of 2 done.');
    await follow('Maren Tolliver');
    await heading('Maren Tolliver');
  });

  await step('the shipped service is installed and given: the plan is what happens', async () => {
    await page.goto('/modules/directory');
    await press('Install');
    await heading('Directory account');
    await press('Put on sale');
    await says('On sale now.');
    await page.goto(`${at.customer}/services`);
    await main.getByRole('link', { name: /Directory account$/ }).click();
    await press('Show the plan');
    await says("Make the customer's OU");
    await press('Give Directory account to Aldermoor');
    await heading('Give Directory account to Aldermoor');
    await ends('Done');
    await addWithAccount('Ida', 'Brand');
    await ends('Done');
    const made = await tool('user', 'list', '--full-dn', `--base-dn=${part}`);
    assert.match(made, /CN=Ida Brand,OU=Aldermoor\(/);
  });

  await step('the connection breaks: the page says why, it is mended and tried again', async () => {
    await tool('user', 'disable', account);
    await addWithAccount('Joris', 'Kamp');
    await ends('Failed');
    await says("Portico's own account is not let in");
    await says('the account is disabled');
    at.request = page.url();
    await page.goto('/today');
    await says('Give Directory account to Joris Kamp');
    await page.goto(at.request);
    await follow('Office domain');
    await press('Check it');
    await says(`${account}@msp.test is not let in.`);
    await tool('user', 'enable', account);
    await press('Check it');
    await says(`${account}@msp.test is let in.`);
    await page.goto(at.request);
    await main.getByRole('button', { name: /^Retry/ }).first().click();
    await ends('Done');
    const made = await tool('user', 'list', '--full-dn', `--base-dn=${part}`);
    assert.match(made, /CN=Joris Kamp,OU=Aldermoor\(/);
  });

  assert.deepEqual(problems, []);
});
