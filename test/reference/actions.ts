// The table of actions as POLICY.md prints it, and the clouds' own names beside it; read a second time, not imported.

import type { RawOrganization } from './bundle.ts';

export interface Rule {
  readonly level: 'site' | 'organization' | 'anywhere';
  readonly needs: readonly string[];
  readonly changing: boolean;
  readonly related: boolean;
}

const NEEDS: readonly (readonly [string, readonly string[]])[] = [
  ['point.write', ['point.read']],
  ['lifeSafety.operate', ['point.read']],
  ['alarm.threshold', ['alarm.view']],
  ['device.configure', ['device.view']],
  ['device.control', ['device.view']],
  ['firmware.update', ['device.view']],
  ['device.edit', ['device.view']],
  ['device.delete', ['device.view']],
  ['device.move', ['device.view']],
];
export const SITE =
  `device.view asset.view graphics.view graphics.edit trend.view alarm.view alarm.acknowledge point.read
  ticket.read twin.view point.write lifeSafety.operate alarm.threshold device.configure device.control firmware.update
  engineering.modify device.edit device.delete device.move location.edit remote.access remote.admin`.split(/\s+/);
export const ORGANIZATION = `user.view user.manage accessGroup.configure role.manage audit.read org.view org.create
  callList.manage admin.manage`.split(/\s+/);
export const CHANGING = `point.write alarm.threshold device.configure device.control firmware.update engineering.modify
  lifeSafety.operate`.split(/\s+/);
/** What an organization knows of an action; nothing for a name that stands for others or that nobody knows. */
export function ruleOf(organization: RawOrganization, action: string): Rule | undefined {
  const own = organization.permissions?.find((permission) => permission.id === action);
  if (own !== undefined) {
    if (own.gives.length > 0) return undefined;
    return { level: own.level, needs: expand(organization, own.needs ?? []), changing: false, related: false };
  }
  const needs = NEEDS.find(([name]) => name === action)?.[1] ?? [];
  const related = action === 'ticket.read' || action === 'twin.view';
  if (SITE.includes(action)) return { level: 'site', needs, changing: CHANGING.includes(action), related };
  if (ORGANIZATION.includes(action)) return { level: 'organization', needs, changing: false, related };
  if (action === 'deviceConfig.read') return { level: 'anywhere', needs, changing: false, related };
  return undefined;
}

/** A name with `gives` stands for those actions. */
export function expand(organization: RawOrganization, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const own = organization.permissions?.find((permission) => permission.id === name);
    return own === undefined || own.gives.length === 0 ? [name] : expand(organization, own.gives);
  });
}
