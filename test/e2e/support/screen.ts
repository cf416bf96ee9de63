/** What a person sees and does on the preview page. */
import type { Locator, Page } from 'playwright-core';

/** The only panel of Explore. */
export function explorePanel(page: Page): Locator {
  return page.getByTestId(/^panel /);
}

export function panelOf(page: Page, title: string): Locator {
  return page.getByTestId(`panel ${title}`);
}

/** Picks an option of one of Grafana's selects by typing its beginning. */
export async function choose(page: Page, label: string, option: string): Promise<void> {
  const input = page.getByRole('combobox', { name: label, exact: true });
  await input.click();
  await input.fill(option);
  await page.getByRole('option', { name: option }).first().click();
}

/** Empties a select of several values, and picks these. */
export async function chooseAll(page: Page, label: string, options: string[]): Promise<void> {
  const input = page.getByRole('combobox', { name: label, exact: true });
  await input.click();
  for (let i = 0; i < 5; i++) {
    await input.press('Backspace');
  }
  await input.press('Escape');
  for (const option of options) {
    await choose(page, label, option);
  }
  await input.press('Escape');
}

/** Names of the series, in the order of the legend. */
export async function legendOf(panel: Locator): Promise<string[]> {
  // As a list, and as a table.
  const entries = panel.locator('[data-testid*="VizLegend series"] button, td button[title]');
  return entries.evaluateAll((elements) => elements.map((element) => element.textContent!.trim()));
}

/** Waits until the legend is as wanted, and answers with it. */
export async function untilLegend(panel: Locator, wanted: (names: string[]) => boolean): Promise<string[]> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const names = await legendOf(panel);
    if (wanted(names)) {
      return names;
    }
    if (Date.now() > deadline) {
      throw new Error(`The legend stays at: ${names.join(', ') || 'nothing'}`);
    }
    await panel.page().waitForTimeout(100);
  }
}

/**
 * How many pixels of the panel's plot have a colour. Axes, grid and text are grey: what is coloured was drawn from data.
 */
export async function colouredPixels(panel: Locator): Promise<number> {
  await panel.locator('canvas').first().waitFor();
  return panel
    .locator('canvas')
    .first()
    .evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      // Read from a copy: the browser complains about a drawing that is read again and again.
      const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
      copy.drawImage(canvas as HTMLCanvasElement, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      let coloured = 0;
      for (let i = 0; i < data.length; i += 4) {
        const [red, green, blue, alpha] = data.subarray(i, i + 4);
        coloured += alpha > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60 ? 1 : 0;
      }
      return coloured;
    });
}

export async function untilColoured(panel: Locator, pixels: number): Promise<void> {
  const deadline = Date.now() + 15_000;
  while ((await colouredPixels(panel)) < pixels) {
    if (Date.now() > deadline) {
      throw new Error(`Fewer than ${pixels} pixels are drawn: ${await colouredPixels(panel)}`);
    }
    await panel.page().waitForTimeout(100);
  }
}
