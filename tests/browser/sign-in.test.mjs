// The door, by hand: the first sign-in sets a second factor, the next one asks for its code, and a
// recovery code stands in. Once with JavaScript and once without, by keyboard, as a phone shows it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  accessibility, deadButtons, dress, giveCode, givePassword, launch, overflow, setFactor, visitor, withoutJavaScript,
} from './browser.mjs';
import { fresh } from './world.mjs';

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

for (const [name, open] of [['with JavaScript', visitor], ['without JavaScript', withoutJavaScript]]) {
  test(`signing in with a second factor, ${name}`, async () => {
    const world = await fresh();
    const { page, problems } = await open(browser, world, { mode: 'phone dark' });
    try {
      const [person] = world.people;
      await givePassword(page, person);
      assert.match(page.url(), /\/account\/factor/);
      await page.getByText('requires a second factor').waitFor();
      await page.goto('/customers');
      assert.match(page.url(), /\/account\/factor\?to=%2Fcustomers/, 'nothing else is reachable');
      await page.locator('svg.qr').waitFor();
      assert.deepEqual(await overflow(page), []);
      await setFactor(page, person);
      assert.equal(person.recoveryCodes.length, 10);
      await page.waitForURL((url) => url.pathname === '/customers');

      await page.context().clearCookies();
      await givePassword(page, person);
      assert.match(page.url(), /\/sign-in\/code/);
      assert.deepEqual(await overflow(page), []);
      // By keyboard alone: the field has the focus, Enter sends the form.
      await page.keyboard.type('000000');
      await page.keyboard.press('Enter');
      await page.getByText('is wrong or used up').first().waitFor();
      await giveCode(page, person);
      await page.waitForURL((url) => url.pathname === '/today');

      await page.context().clearCookies();
      await givePassword(page, person);
      await page.getByLabel('Code', { exact: true }).fill(person.recoveryCodes[0]);
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.waitForURL((url) => url.pathname === '/today');
      await page.goto('/account/factor');
      await page.getByText('9 recovery codes are left').waitFor();
      if (open === visitor) {
        for (const mode of ['light', 'dark', 'phone', 'phone dark']) {
          await dress(page, mode);
          assert.deepEqual(await accessibility(page), [], mode);
        }
      } else {
        assert.deepEqual(await deadButtons(page), []);
      }
      assert.deepEqual(problems.filter((each) => !/status of 4\d\d/.test(each)), []);
    } finally {
      await page.context().close();
      await world.stop();
    }
  });
}
