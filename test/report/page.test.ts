import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import report from '../../src/report/formats/html.ts';
import { CHROMIUM, mayBeMissing } from '../helpers/browser.ts';
import { judged } from '../helpers/fixture.ts';
import { ATTACKS, hostileResult } from '../helpers/hostile.ts';
import { account, listener, markupFor } from '../helpers/stranger.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CONTEXT = { columns: 120, color: false, folder: '.' };
const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-page-'));

describe.skipIf(CHROMIUM === undefined && mayBeMissing)('report.html of a scenario, in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(
    ['rebalance', 'black-hole', 'lost-fin'].flatMap((scenario) =>
      [400, 1600].flatMap((width) =>
        (['light', 'dark'] as const).map((colorScheme) => ({ scenario, width, colorScheme })),
      ),
    ),
  )(
    '$scenario, $width wide and $colorScheme: no word on the console, no network, nothing sticks out, axe-core finds nothing',
    async ({ scenario, width, colorScheme }) => {
      const file = join(folder, `${scenario}-${width}-${colorScheme}.html`);
      writeFileSync(file, report.render(await judged(scenario), CONTEXT));
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const [said, asked]: [string[], string[]] = [[], []];
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', (error) => said.push(String(error)));
      page.on('request', (request) => asked.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      expect(said).toEqual([]);
      expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await page.evaluate(axe);
      const violations = await page.evaluate(
        `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`,
      );
      expect(violations).toEqual([]);
      await page.close();
    },
  );

  it.each(Object.entries(ATTACKS))('runs nothing and asks for nothing where every word is %s', async (name, attack) => {
    const file = join(folder, `${name}.html`);
    writeFileSync(file, report.render(await hostileResult(attack), CONTEXT));
    expect(await account(browser, file)).toEqual({ said: [], asked: [], foreign: [], hacked: undefined });
  });

  it('has a policy that keeps markup from running and from the network, should any come in', async () => {
    await using home = await listener();
    const text = report.render(await judged('rebalance'), CONTEXT);
    const [open, shut] = [join(folder, 'open.html'), join(folder, 'shut.html')];
    writeFileSync(shut, text.replace('</main>', `${markupFor(home.url)}</main>`));
    const { said, hacked } = await account(browser, shut);
    expect([hacked, home.asked]).toEqual([undefined, []]);
    expect(said.filter((each) => /Content Security Policy/.test(each)).length).toBeGreaterThan(3);
    // The same without the policy: the markup is as dangerous as it looks.
    const without = readFileSync(shut, 'utf8').replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
    writeFileSync(open, without);
    expect((await account(browser, open)).hacked).toBeDefined();
    expect(home.asked).toContain('/img');
  });
});
