import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { AcuityPage } from './page.ts';

/** Standards whose rules axe checks. */
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** A test whose page may neither throw nor try what the content security policy forbids. */
export const test = base.extend<{ acuity: AcuityPage }>({
  acuity: async ({ page }, use) => {
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`));
    // Workers have no event that the page hears: the console tells.
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) faults.push(message.text());
    });
    await page.exposeFunction('reportViolation', (text: string) => faults.push(text));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        const report: unknown = Reflect.get(window, 'reportViolation');
        const { violatedDirective, blockedURI, sourceFile, lineNumber } = event;
        const text = `policy: ${violatedDirective} ${blockedURI} (${sourceFile}:${lineNumber})`;
        if (typeof report === 'function') report(text);
      });
    });
    await use(new AcuityPage(page));
    expect(faults).toEqual([]);
  },
});

/** Fails on anything that axe finds. What is not colour is the same in light and in dark, and looked at once. */
export async function expectAccessible(page: Page): Promise<void> {
  // A tooltip floats outside of all landmarks; nobody's pointer rests while axe looks.
  await page.mouse.move(0, 0);
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
    const axe = new AxeBuilder({ page });
    if (colorScheme === 'light') axe.withTags(standards);
    else axe.withRules(['color-contrast', 'link-in-text-block']);
    // The page has no frames to gather findings from, for which axe would open another page each time.
    const { violations } = await axe.setLegacyMode().analyze();
    for (const { id, nodes } of violations) {
      found.push(`${colorScheme}: ${id}: ${nodes.map(({ target }) => target.join(' ')).join(' | ')}`);
    }
  }
  expect(found).toEqual([]);
}
