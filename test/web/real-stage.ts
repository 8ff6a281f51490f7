// A browser for everybody before the real gateway with its simulated BACnet devices.

import type { BrowserContextOptions } from 'playwright-core';
import { JobsRig, PASSWORD } from '../scenarios/jobs-rig.ts';
import { type OwnBrowser, signIn, startBrowser, type Visit } from './browser.ts';

export type Person = 'anna' | 'ben' | 'carla' | 'dora' | 'eve';

export class RealStage {
  readonly rig: JobsRig;
  readonly #browser: OwnBrowser;
  readonly #visits: Visit[] = [];

  private constructor(rig: JobsRig, browser: OwnBrowser) {
    this.rig = rig;
    this.#browser = browser;
  }

  static async start(options: Parameters<typeof JobsRig.start>[0]): Promise<RealStage> {
    const browser = await startBrowser();
    try {
      return new RealStage(await JobsRig.start(options), browser);
    } catch (error) {
      await browser.stop();
      throw error;
    }
  }

  /** Signed in, in a browser of their own. */
  async as(person: Person, options?: BrowserContextOptions): Promise<Visit> {
    const visit = await this.#browser.visit(`https://127.0.0.1:${this.rig.gateway.ports.get('http')}`, options);
    this.#visits.push(visit);
    await signIn(visit.page, person, PASSWORD);
    await visit.page.locator('nav.rail').waitFor();
    return visit;
  }

  /** Closes every visit: a person has room for so many live streams only. */
  async leave(): Promise<void> {
    for (const { context } of this.#visits.splice(0)) await context.close();
  }

  async stop(): Promise<void> {
    await this.#browser.stop();
    await this.rig.stop();
  }
}
