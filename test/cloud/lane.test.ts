import { expect, it } from 'vitest';
import { Lane } from '../../src/cloud/lane.ts';

it('does one piece after the other, and goes on after one that throws', async () => {
  const events: string[] = [];
  const lane = new Lane({ write: (_level, event, fields) => void events.push(`${event} ${fields.why}`) }, 'x');
  lane.add(async () => void events.push('first'));
  lane.add(() => Promise.reject(new Error('boom')));
  lane.add(() => Promise.reject('text'));
  lane.add(async () => void events.push('last'));
  expect(lane.waiting).toBe(4);
  await lane.idle();
  expect(events).toEqual(['first', 'cloud.message-failed boom', 'cloud.message-failed text', 'last']);
  expect(lane.waiting).toBe(0);
});
