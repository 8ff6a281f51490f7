// Where the tour's steps are played: the site, the people's tools, and what they are held to: the devices' own records.

import { join } from 'node:path';
import { DEMO_PASSWORD } from './credentials.ts';
import { type CommandResult, gatehouse } from './gateway.ts';
import { DemoFault } from './options.ts';
import type { DemoSite } from './site.ts';
import { Tool, type ToolAnswer } from './tool.ts';

export const PLACES = {
  nobody: '127.0.0.1',
  anna: '127.0.0.2',
  ben: '127.0.0.3',
  carla: '127.0.0.4',
  supervisor: '127.0.0.21',
} as const;
export type Person = keyof typeof PLACES;
/** Who has a password. */
type Login = 'anna' | 'ben' | 'carla' | 'dora';

/** A row of the record as the command line prints it. */
interface RecordedRow {
  readonly number: number;
  readonly row: {
    readonly kind: string;
    readonly decision?: string;
    readonly reason?: string;
    readonly revision?: number;
    readonly who?: {
      readonly principal: string | null;
      readonly proof: { readonly kind: string };
      readonly from: string;
    };
    readonly outcome?: { readonly kind: string };
    readonly firmware?: { readonly image: string };
    readonly effects?: readonly {
      readonly target: string;
      readonly device?: string;
      readonly action: string;
      readonly old?: unknown;
      readonly new?: unknown;
    }[];
  };
}

export function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new DemoFault(otherwise);
}

export function shown(answer: ToolAnswer): string {
  if (answer === 'done') return 'it was done';
  return 'exception' in answer ? `exception ${answer.exception}` : `registers ${answer.registers.join(' ')}`;
}

/** A step of the tour: what a person reads, and what must come about. */
export interface Step {
  readonly sentence: string;
  play(stage: Stage): Promise<void>;
}

export class Stage {
  readonly site: DemoSite;
  readonly #tools = new Map<Person, Tool>();

  constructor(site: DemoSite) {
    this.site = site;
  }

  port(listener: 'plant' | 'meters' | 'secure'): number {
    return this.site.gateway().ports.get(listener) ?? 0;
  }

  /** The person's tool, whose connection stays open from step to step. */
  async tool(person: Person): Promise<Tool> {
    const known = this.#tools.get(person);
    if (known) return known;
    const tool = await Tool.connect(PLACES[person], this.port('plant'));
    this.#tools.set(person, tool);
    return tool;
  }

  /** Runs `gatehouse session open`; gives its exit code and what it said. */
  async openSession(person: Person): Promise<{ readonly code: number | null; readonly said: string }> {
    const words = ['session', 'open', '--as', person, '--from', PLACES[person], '--for', '30m'];
    const { code, stdout, stderr } = await gatehouse([...words, '--socket', this.site.socket]);
    return { code, said: `${stdout}${stderr}`.trim() };
  }

  async signIn(person: Person): Promise<void> {
    const { code, said } = await this.openSession(person);
    check(code === 0, `expected a session, got exit code ${code}: ${said}`);
  }

  /** Runs a command of `gatehouse` that speaks to the API, signed in as this person. */
  command(person: Login, words: readonly string[]): Promise<CommandResult> {
    const url = `https://127.0.0.1:${this.site.gateway().ports.get('http') ?? 0}`;
    const place = ['--url', url, '--ca', join(this.site.data, 'http.pem'), '--user', person];
    return gatehouse([...words, ...place], `${DEMO_PASSWORD}\n`);
  }

  async status(): Promise<{ readonly ready: boolean; readonly policy?: { readonly revision: number } }> {
    const { stdout } = await gatehouse(['status', '--json', '--socket', this.site.socket]);
    return JSON.parse(stdout);
  }

  /** The newest rows of the record, oldest first. */
  async journal(most = 200): Promise<readonly RecordedRow[]> {
    const { stdout } = await gatehouse(['journal', 'tail', '-n', String(most), '--json', '--data', this.site.data]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RecordedRow);
  }

  /** The write is answered with this exception, and not one write more stands in any device's record. */
  async refused(person: Person, unit: number, register: number, values: readonly number[], exception: number) {
    const before = this.site.plant.writesSeen();
    const answer = await (await this.tool(person)).write(unit, register, values);
    const asExpected = typeof answer === 'object' && 'exception' in answer && answer.exception === exception;
    check(asExpected, `expected exception ${exception}, got: ${shown(answer)}`);
    this.nothingArrivedSince(before);
  }

  /** The write is acknowledged, and the device holds the value. */
  async done(person: Person, unit: number, register: number, values: readonly number[], point: string, value: number) {
    const before = this.site.plant.writesSeen();
    const answer = await (await this.tool(person)).write(unit, register, values);
    check(answer === 'done', `expected the write to be done, got: ${shown(answer)}`);
    check(this.site.plant.writesSeen() === before + 1, 'expected one write in the devices’ records');
    check(this.holds(point) === value, `expected \`${point}\` to hold ${value}, it holds ${this.holds(point)}`);
  }

  nothingArrivedSince(before: number): void {
    const arrived = this.site.plant.writesSeen() - before;
    check(arrived === 0, `${arrived} writes arrived at the devices, expected none`);
  }

  /** What the device itself holds. */
  holds(point: string): unknown {
    const device = Object.values(this.site.plant.devices).find(({ name }) => point.startsWith(`${name}/`));
    return device?.bank.get(point);
  }

  /** Waits until it holds; throws a DemoFault after 30 s. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new DemoFault(`within 30 s it did not come about that ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Connections end with the gateway: the tools connect again. */
  async dropTools(): Promise<void> {
    const tools = [...this.#tools.values()];
    this.#tools.clear();
    await Promise.all(tools.map((tool) => tool.close()));
  }
}
