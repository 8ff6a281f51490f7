// The road of one request behind its decoding: classify, judge, lane, answer. It decides nothing: gate and policy do.
// 1. Every confirmed request gets one answer. 2. What reads is judged element by element; what changes goes south only through
// `carryOut`; what the table does not list is refused. 3. What a plant device says goes only to who may see it.

import { Alarms } from './alarms.ts';
import { Broadcasts } from './broadcasts.ts';
import { Callers } from './callers.ts';
import { classify } from './classify.ts';
import { Subscriptions } from './cov.ts';
import { FirmwareUpdates } from './firmware-update.ts';
import { Lists } from './lists.ts';
import { OwnAccess } from './own-access.ts';
import { OwnAlarms } from './own-alarms.ts';
import { handleOfDevice } from './owners.ts';
import { errorAnswer, lostAnswer, refusalOf, SERVICE_DENIED } from './refuse.ts';
import { Changes } from './road-changes.ts';
import { Reads } from './road-reads.ts';
import { roadParts } from './road-services.ts';
import type { Answer, Answered, IncomingRequest, RoadServices, RunningRoad } from './seam.ts';
import { REJECT_REASONS } from './wire/names/reject-reason.ts';

/** A road over both sides of the driver. */
export function createRoad(services: RoadServices): RunningRoad {
  const parts = roadParts(services);
  const { gate, plant, counted, index } = parts;
  const callers = new Callers(parts);
  const lists = new Lists(plant, parts.clock);
  const reads = new Reads(parts, callers, lists, broken);
  const changes = new Changes(parts, callers, lists);
  const subscriptions = new Subscriptions(parts, callers, lists);
  const alarms = new Alarms(parts, callers, lists);
  const broadcasts = new Broadcasts(parts, callers, lists, { changes, alarms, subscriptions });
  const own = new OwnAccess(parts, changes, subscriptions);
  const firmware = new FirmwareUpdates(parts, changes);

  plant.onDevice((device) => {
    lists.forgetDevice(device);
    subscriptions.deviceChanged(device);
  });
  const forget = gate.onStanding(() => subscriptions.lookAgain());

  /** What reads is answered by itself. */
  function take(incoming: IncomingRequest, answered: Answered): Promise<Answer> | Answer | undefined {
    const { request, from, to } = incoming;
    switch (request.service) {
      case 'read-property':
      case 'read-property-multiple':
      case 'read-range':
      case 'atomic-read-file':
      case 'get-event-information':
      case 'get-alarm-summary':
      case 'get-enrollment-summary':
        reads.answer(incoming, request, answered);
        return undefined;
      case 'subscribe-cov':
      case 'subscribe-cov-property':
      case 'subscribe-cov-property-multiple':
        return subscriptions.subscribe(incoming, request);
      case 'confirmed-event-notification':
        return alarms.between(incoming, request);
      case 'confirmed-cov-notification':
      case 'confirmed-cov-notification-multiple': {
        counted.refused += 1;
        const detail = 'subscriptions are held by the gateway: nobody else notifies';
        const target = handleOfDevice(index(), to);
        gate.refuse(callers.callerOf(from), { operation: request.service, reason: 'unsupported', target, detail });
        return refusalOf(request, 'unsupported');
      }
      case 'unknown': {
        counted.refused += 1;
        const caller = callers.callerOf(from);
        // Nothing goes on that was not read whole: not even for who is never gated, and that must not pass unnoticed.
        const also = caller.neverGated ? ', so that it is refused even to a peer that is never gated' : '';
        const detail = `service choice \`${request.choice}\` is not known${also}`;
        const operation = `service${request.choice}`;
        gate.refuse(caller, { operation, reason: 'unsupported', target: handleOfDevice(index(), to), detail });
        return { kind: 'reject', reason: REJECT_REASONS['unrecognized-service'] };
      }
      default:
        return changes.answer(incoming, request);
    }
  }

  function broken(fault: unknown): Answer {
    services.log.write('error', 'own.fault', { fault: String(fault) }, `a request could not be carried: ${fault}`);
    return lostAnswer();
  }

  return {
    confirmed(incoming, answered) {
      let answer: Promise<Answer> | Answer | undefined;
      try {
        answer = take(incoming, answered);
      } catch (fault) {
        answer = broken(fault);
      }
      if (answer instanceof Promise) answer.catch(broken).then(answered);
      else if (answer !== undefined) answered(answer);
    },
    async notification({ from, to, request, priority }) {
      switch (request.service) {
        case 'confirmed-event-notification':
          return alarms.confirmed(from, to, request, priority);
        case 'confirmed-cov-notification':
        case 'confirmed-cov-notification-multiple':
          return to === 'gateway' && subscriptions.notified(from, request)
            ? { kind: 'simple-ack' }
            : errorAnswer(request, SERVICE_DENIED);
        default:
          return { kind: 'reject', reason: REJECT_REASONS['unrecognized-service'] };
      }
    },
    unconfirmed: (from, to, request, priority) => broadcasts.unconfirmed(from, to, request, priority),
    unconfirmedNorth: (from, to, request, priority) => broadcasts.toStation(from, to, request, priority),
    refused(from, operation, detail) {
      gate.refuse(callers.callerOf(from), { operation, reason: 'unsupported', detail });
    },
    mayRepeat({ request, to, from }) {
      // What moves other devices too may have been moved there since; what reads may have been withdrawn.
      const what = classify(request, to, changes.siteFor(callers.callerOf(from)));
      return what.kind === 'change' && !what.fansOut;
    },
    read: (targets) => own.read(targets),
    plan: (writes) => own.plan(writes),
    perform: (permit, holds) => own.perform(permit, holds),
    slots: (target) => own.slots(target),
    watch: (target, heard, ended) => own.watch(target, heard, ended),
    firmware,
    alarms: new OwnAlarms(parts, changes, lists),
    activated() {
      subscriptions.endWatches();
      subscriptions.lookAgain();
    },
    counters: () => ({ ...counted, subscriptions: subscriptions.size }),
    stop() {
      forget();
      firmware.stop();
      subscriptions.stop();
    },
  };
}
