// The tour's steps, in order: a sentence each, and what must be true of the devices, the record and the answers.

import { bacnetSteps, bacnetWrites } from './bacnet-steps.ts';
import { gatehouse } from './gateway.ts';
import { jobSteps } from './job-steps.ts';
import { check, PLACES, type Step, shown } from './stage.ts';
import { askSecurely, broadcast, floatOf, floatRegisters } from './tool.ts';

const SET_POINT = 100;
const EXCEPTION = { illegalFunction: 1, illegalValue: 3 } as const;
const METER_TARIFF = 6;

const reading: readonly Step[] = [
  {
    sentence: 'anyone may read the supply air temperature',
    async play(stage) {
      const answer = await (await stage.tool('nobody')).read(1, 'input', 0, 2);
      check(typeof answer === 'object' && 'registers' in answer, `expected two registers, got: ${shown(answer)}`);
      const value = typeof answer === 'object' && 'registers' in answer ? floatOf(answer.registers) : Number.NaN;
      check(value > 10 && value < 30, `expected a temperature, got ${value}`);
    },
  },
  {
    sentence: 'whoever nobody knows writes nothing: exception 01, and nothing reaches the device',
    play: (stage) => stage.refused('nobody', 1, SET_POINT, floatRegisters(21.5), EXCEPTION.illegalFunction),
  },
];

const writing: readonly Step[] = [
  {
    sentence: 'Anna opens a session for her address and changes the set point to 21.5 °C: the device holds it',
    async play(stage) {
      await stage.signIn('anna');
      await stage.done('anna', 1, SET_POINT, floatRegisters(21.5), 'ahu1/sat-sp', 21.5);
    },
  },
  {
    sentence: 'the record has the intent with who, proof, old and new value, and the outcome of it',
    async play(stage) {
      const rows = (await stage.journal()).map(({ row }) => row);
      const intent = rows.findLast(({ kind }) => kind === 'intent');
      const [effect] = intent?.effects ?? [];
      check(intent?.who?.principal === 'anna', `expected anna's intent, got ${JSON.stringify(intent)}`);
      check(intent?.who?.proof.kind === 'tool-session', 'expected a tool session as proof');
      check(effect?.old === 18 && effect.new === 21.5, `expected 18 → 21.5, got ${effect?.old} → ${effect?.new}`);
      const outcome = rows.find(({ kind, decision }) => kind === 'outcome' && decision === intent?.decision);
      check(outcome?.outcome?.kind === 'acknowledged', `expected an outcome, got ${JSON.stringify(outcome)}`);
    },
  },
  {
    sentence: 'Ben may read only: his write is refused with exception 01, the device knows nothing of it',
    async play(stage) {
      await stage.signIn('ben');
      await stage.refused('ben', 1, SET_POINT, floatRegisters(19), EXCEPTION.illegalFunction);
      await stage.until('the gateway’s log names Ben and the reason', () =>
        stage.site.gateway().lines.some((line) => / change\.refused: `ben`.* denied no-permission/.test(line)),
      );
    },
  },
  {
    sentence: 'one write of Anna over her set point and an alarm limit that is not hers is refused whole',
    play: (stage) =>
      stage.refused('anna', 1, SET_POINT, [...floatRegisters(20), ...floatRegisters(30)], EXCEPTION.illegalFunction),
  },
  {
    sentence: 'a set point of 30 °C is out of limits, whoever asks: exception 03',
    play: (stage) => stage.refused('anna', 1, SET_POINT, floatRegisters(30), EXCEPTION.illegalValue),
  },
  {
    sentence: 'a register that no point owns is refused, and so is half of a 32-bit value',
    async play(stage) {
      await stage.refused('anna', 1, 500, [1], EXCEPTION.illegalFunction);
      await stage.refused('anna', 1, SET_POINT, floatRegisters(20).slice(0, 1), EXCEPTION.illegalFunction);
    },
  },
  {
    sentence: 'the supervisory station, known by its address, sets the demand limit and nothing else',
    async play(stage) {
      await stage.done('supervisor', 2, 6, [80], 'chiller1/demand-limit', 80);
      await stage.refused('supervisor', 2, 0, floatRegisters(8), EXCEPTION.illegalFunction);
    },
  },
];

const broadcasting: readonly Step[] = [
  {
    sentence: 'unit 0 on the meters’ line means both meters: Ben’s broadcast is dropped and recorded',
    async play(stage) {
      const before = stage.site.plant.writesSeen();
      const said = (): number => stage.site.gateway().lines.filter((line) => line.includes(' change.refused: ')).length;
      const refusals = said();
      await broadcast(PLACES.ben, stage.port('meters'), METER_TARIFF, 2);
      await stage.until('the gateway refuses the broadcast', () => said() > refusals);
      stage.nothingArrivedSince(before);
    },
  },
  {
    sentence: 'Anna may set the tariff of every meter: her broadcast reaches both',
    async play(stage) {
      await broadcast(PLACES.anna, stage.port('meters'), METER_TARIFF, 2);
      await stage.until('both meters hold the tariff', () =>
        ['meter1', 'meter2'].every((meter) => stage.holds(`${meter}/tariff`) === 2),
      );
    },
  },
];

const certified: readonly Step[] = [
  {
    sentence:
      'Carla’s tool shows her certificate (Modbus/TCP Security): no session, no address, and she sets a parameter',
    async play(stage) {
      const { certificates, plant } = stage.site;
      const before = plant.writesSeen();
      const write = Buffer.from([6, 0, 109, 0, 150]);
      const answer = await askSecurely(stage.port('secure'), certificates, 'carla', 1, write);
      check(answer.equals(write), `expected the write to be echoed, got ${answer.toString('hex')}`);
      check(plant.writesSeen() === before + 1 && stage.holds('ahu1/sat-ti') === 150, 'expected the device to hold it');
      const intent = (await stage.journal()).findLast(({ row }) => row.kind === 'intent')?.row;
      check(
        intent?.who?.proof.kind === 'certificate',
        `expected a certificate as proof, got ${JSON.stringify(intent)}`,
      );
    },
  },
];

const governing: readonly Step[] = [
  {
    sentence: 'the cloud locks Anna: the very next frame of her open connection is refused',
    async play(stage) {
      await stage.done('anna', 1, SET_POINT, floatRegisters(20), 'ahu1/sat-sp', 20);
      const lock = { id: 'lost-laptop', why: 'her laptop was lost', principal: 'anna' };
      const report = await stage.site.push([lock]);
      check(report.state === 'active', `expected the policy to be active, it is ${report.state}`);
      await stage.refused('anna', 1, SET_POINT, floatRegisters(19), EXCEPTION.illegalFunction);
    },
  },
  {
    sentence: 'the cloud is gone: Carla, the chief engineer, goes on and raises an alarm limit',
    async play(stage) {
      await stage.site.loseCloud();
      await stage.signIn('carla');
      await stage.done('carla', 1, 102, floatRegisters(30), 'ahu1/sat-hi', 30);
    },
  },
  {
    sentence:
      'the gateway is killed and starts again without the cloud: the last policy is in force, Anna stays locked',
    async play(stage) {
      const before = (await stage.status()).policy?.revision;
      await stage.dropTools();
      await stage.site.gateway().kill();
      await stage.site.restartGateway();
      const after = await stage.status();
      const { revision } = after.policy ?? {};
      check(after.ready && revision === before, `expected revision ${before} in force, got ${revision}`);
      const { code, said } = await stage.openSession('anna');
      check(code === 3, `expected Anna's session to be denied (exit code 3), got ${code}: ${said}`);
      await stage.signIn('carla');
      await stage.done('carla', 1, SET_POINT, floatRegisters(18.5), 'ahu1/sat-sp', 18.5);
    },
  },
  {
    sentence: 'the cloud is back and lifts the lock: Anna works again',
    async play(stage) {
      await stage.site.restoreCloud();
      await stage.site.console.waitForStatus('demo', 'online');
      const report = await stage.site.push();
      check(report.state === 'active', `expected the policy to be active, it is ${report.state}`);
      await stage.signIn('anna');
      await stage.done('anna', 1, SET_POINT, floatRegisters(19), 'ahu1/sat-sp', 19);
    },
  },
  {
    sentence: 'the record is intact and holds every write that ever reached a device',
    async play(stage) {
      const verified = await gatehouse(['journal', 'verify', '--data', stage.site.data]);
      check(verified.code === 0, `expected an intact record, got: ${verified.stdout}${verified.stderr}`);
      const intents = (await stage.journal(10_000)).flatMap(({ row }) => (row.kind === 'intent' ? [row] : []));
      // One transfer is one intent and many writes; what an order of several devices asks of each stands in every intent of it.
      const writing = intents.filter(({ firmware }) => firmware === undefined);
      const written = writing.map(({ effects = [] }) => effects.filter((effect) => 'new' in effect));
      const recorded = written.reduce((sum, effects) => sum + new Set(effects.map(({ device }) => device)).size, 0);
      const arrived = stage.site.plant.writesSeen() + bacnetWrites(stage);
      check(recorded === arrived, `${arrived} writes arrived at the devices, ${recorded} stand in the record`);
    },
  },
];

export const STEPS: readonly Step[] = [
  ...reading,
  ...writing,
  ...broadcasting,
  ...bacnetSteps,
  ...certified,
  ...jobSteps,
  ...governing,
];
