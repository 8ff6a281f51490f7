// A device of which nothing but its boot loader is left: what it ran last is remembered, and an image has to fit that.

import { expect, it } from 'vitest';
import { JobStage, manifest } from './job-stage.ts';

const image = (version: string, more: object = {}) => ({ ...manifest, version, ...more });

/** `d1` is updated to 2.0, the gateway is switched off and on, and then only the boot loader of `d1` runs. */
async function bricked(): Promise<JobStage> {
  const stage = await JobStage.set();
  const job = await stage.begin(['d1']);
  expect((await stage.ended(job)).state).toBe('done');
  stage.kill();
  await stage.boot();
  stage.device('d1').runs = undefined;
  return stage;
}

const checked = async (stage: JobStage, device = 'd1') => {
  const { ok, devices } = await stage.through(stage.jobs.check(stage.as('anna'), stage.order([device])));
  return { ok, ...devices[0] };
};

it('an older image needs the signed permit, also after a restart of the gateway', async () => {
  const stage = await bricked();
  stage.manifest = image('1.5');
  expect(await checked(stage)).toMatchObject({
    ok: false,
    version: '2.0',
    fault: expect.stringContaining('before it version `2.0`, expected one older than `1.5`'),
  });
  const started = await stage.through(stage.jobs.start(stage.as('anna'), stage.order(['d1'])));
  expect(started.kind).toBe('not-started');
  stage.manifest = image('1.5', { permitsDowngrade: true });
  expect(await checked(stage)).toMatchObject({ ok: true });
  stage.manifest = image('3.0', { minimumVersion: '2.1' });
  expect(await checked(stage)).toMatchObject({ ok: false, fault: expect.stringContaining('`2.1` or newer') });
});

it('the same and a newer one bring it back, and the record names what it ran before', async () => {
  const stage = await bricked();
  const job = await stage.begin(['d1']);
  const ended = await stage.ended(job);
  expect(ended.state).toBe('done');
  expect(ended.devices).toMatchObject([{ oldVersion: '2.0', newVersion: '2.0' }]);
  expect(stage.journal.rows('intent').at(-1)).toMatchObject({ firmware: { oldVersion: '2.0', newVersion: '2.0' } });
});

it('what it was seen to run counts, also where the check went no further', async () => {
  const stage = await JobStage.set();
  stage.device('d1').runs = { version: '1.8', image: 'old' };
  stage.manifest = image('1.5');
  expect(await checked(stage)).toMatchObject({ ok: false });
  stage.device('d1').runs = undefined;
  expect(await checked(stage)).toMatchObject({ ok: false, fault: expect.stringContaining('`1.8`') });
});

it('one that nobody ever saw takes an image that asks for no version, and everybody reads why that was', async () => {
  const stage = await JobStage.set();
  stage.device('d2').runs = undefined;
  stage.manifest = image('2.0', { minimumVersion: '1.0' });
  expect(await checked(stage, 'd2')).toMatchObject({ ok: false, fault: expect.stringContaining('is not known') });
  stage.manifest = image('2.0');
  const remark = expect.stringContaining('what it ran before is not known');
  expect(await checked(stage, 'd2')).toMatchObject({ ok: true, remark });
  const job = await stage.begin(['d2']);
  expect((await stage.ended(job)).state).toBe('done');
  expect(stage.rows('job-step').find(({ to }) => to === 'transferring')).toMatchObject({ why: remark });
});

it('nothing is sent before what the device runs is kept', async () => {
  const stage = await JobStage.set();
  const keep = stage.shelf.put;
  stage.shelf.put = (kind, document) =>
    kind === 'firmware-version' ? Promise.reject(new Error('disk full')) : keep.call(stage.shelf, kind, document);
  const job = await stage.begin(['d1']);
  expect((await stage.ended(job)).devices).toMatchObject([
    { state: 'failed', why: 'which version it runs cannot be kept: disk full' },
  ]);
  expect(stage.intents()).toEqual([]);
  stage.shelf.put = keep;
  await stage.through(stage.jobs.retry(stage.as('anna'), job));
  expect((await stage.ended(job)).state).toBe('done');
  expect(stage.shelf.list('firmware-version')).toMatchObject([{ id: 'd1', body: '2.0' }]);
});
