/**
 * Takes the pictures of plugin.json and the README from the live demo: `npx tsx preview/screenshots.ts [seconds]`.
 * Needs a built agent and plugin, and Debian's chromium. The agent measures for `seconds` beforehand.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Page, chromium } from 'playwright-core';
import { startShop } from '../demo/shop';
import { type Agent, startAgent } from '../scripts/start/agent';
import { freePort } from '../scripts/start/port';
import { startPreview } from './server';

const ROOT = path.resolve(__dirname, '..');
const IMAGES = path.join(ROOT, 'src', 'img');
const SIZE = { width: 1600, height: 1000 };
/** The pictures show two minutes. */
const RANGE = 'from=now-2m&to=now&refresh=5s';
const DEFAULT_SECONDS = 125;
/** Grafana's catalogue shows them in a page: larger files only make it slower. */
const LIMIT_BYTES = 500_000;

interface Picture {
  name: string;
  /** The address within the preview. */
  route: string;
  /** Brings the page into the state that is shown. */
  pose(page: Page): Promise<void>;
}

function pictures(): Picture[] {
  const drawn = async (page: Page) => {
    await page.locator('canvas').first().waitFor();
    // Every panel has asked at least twice by then, and no animation is under way.
    await page.waitForTimeout(4000);
  };
  return [
    { name: 'http', route: `dashboards/dashboards%2Fhttp-golden-signals.json?${RANGE}`, pose: drawn },
    { name: 'tcp', route: `dashboards/dashboards%2Ftcp-health.json?${RANGE}`, pose: drawn },
    {
      name: 'query-editor',
      route: `explore?${RANGE}`,
      pose: async (page) => {
        await page.locator('canvas').first().waitFor();
        await page.getByRole('radio', { name: 'Heatmap' }).first().check({ force: true });
        await page.getByLabel('Step').fill('5s');
        await page.getByLabel('Step').press('Enter');
        await page.getByTestId('heatmap').waitFor();
        await drawn(page);
        const { x, y, width, height } = (await page.getByTestId('heatmap').locator('canvas').boundingBox())!;
        await page.mouse.move(x + width * 0.7, y + height * 0.45);
        await page.waitForTimeout(500);
      },
    },
    {
      name: 'config-editor',
      route: 'connection',
      pose: async (page) => {
        await page.getByRole('button', { name: 'Save & test' }).click();
        await page.getByTestId('health').waitFor();
      },
    },
  ];
}

async function main(seconds = DEFAULT_SECONDS): Promise<void> {
  await mkdir(path.join(ROOT, 'build', 'logs'), { recursive: true });
  let agent: Agent | undefined;
  const shop = await startShop({
    prepare: async (cgroup) => {
      agent = await startAgent({ listen: `127.0.0.1:${await freePort(9420)}`, cgroup });
    },
  });
  try {
    console.log(`Measuring for ${seconds} seconds.`);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await takeAll(agent!.url);
  } finally {
    await agent?.stop();
    await shop.stop();
  }
}

async function takeAll(agentUrl: string): Promise<void> {
  const preview = await startPreview({ agentUrl, listen: '127.0.0.1:0' });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  try {
    for (const { name, route, pose } of pictures()) {
      const page = await browser.newPage({ viewport: SIZE });
      await page.goto(`${preview.url}/#/${route}`);
      await pose(page);
      const file = path.join(IMAGES, `screenshot-${name}.png`);
      await writeFile(file, await page.screenshot());
      await page.close();
      const { length } = await readFile(file);
      console.log(`${path.relative(ROOT, file)}: ${Math.round(length / 1000)} kB`);
      if (length > LIMIT_BYTES) {
        throw new Error(`${name} is larger than ${LIMIT_BYTES / 1000} kB.`);
      }
    }
  } finally {
    await browser.close();
    await preview.close();
  }
}

main(Number(process.argv[2]) || undefined).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
