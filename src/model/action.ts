// The closed table of actions (POLICY.md, Actions): what each is judged for and what it needs as well.

/** `site`: for each target. `organization`: counts only at the root. `anywhere`: enough to hold it somewhere. */
export type ActionLevel = 'site' | 'organization' | 'anywhere';

export interface ActionRule {
  readonly level: ActionLevel;
  /** What the action needs as well, on the same target. */
  readonly needs: readonly string[];
  /** Related actions are admitted by `expert` on devices that a role's tags hide. */
  readonly related: boolean;
  /** Changing actions are restricted by filters, follow `involves`, and never belong to `anyone`. */
  readonly changing: boolean;
}

const read = (level: ActionLevel, ...needs: string[]): ActionRule => ({
  level,
  needs,
  related: false,
  changing: false,
});
const change = (...needs: string[]): ActionRule => ({ level: 'site', needs, related: false, changing: true });
const related: ActionRule = { level: 'site', needs: [], related: true, changing: false };

export const ACTIONS = {
  'device.view': read('site'),
  'asset.view': read('site'),
  'graphics.view': read('site'),
  'graphics.edit': read('site'),
  'trend.view': read('site'),
  'alarm.view': read('site'),
  'alarm.acknowledge': read('site'),
  'point.read': read('site'),
  'ticket.read': related,
  'twin.view': related,
  'point.write': change('point.read'),
  'lifeSafety.operate': change('point.read'),
  'alarm.threshold': change('alarm.view'),
  'device.configure': change('device.view'),
  'device.control': change('device.view'),
  'firmware.update': change('device.view'),
  'engineering.modify': change(),
  'device.edit': read('site', 'device.view'),
  'device.delete': read('site', 'device.view'),
  'device.move': read('site', 'device.view'),
  'location.edit': read('site'),
  'remote.access': read('site'),
  'remote.admin': read('site'),
  'deviceConfig.read': read('anywhere'),
  'user.view': read('organization'),
  'user.manage': read('organization'),
  'accessGroup.configure': read('organization'),
  'role.manage': read('organization'),
  'audit.read': read('organization'),
  'org.view': read('organization'),
  'org.create': read('organization'),
  'callList.manage': read('organization'),
  'admin.manage': read('organization'),
} as const satisfies Record<string, ActionRule>;

/** An action of the closed table. The clouds' own permissions with `gives: []` are actions too, known per organization only. */
export type ActionName = keyof typeof ACTIONS;
export function isActionName(text: string): text is ActionName {
  return Object.hasOwn(ACTIONS, text);
}

/** What a frame may be said to ask, that nobody here understands. */
export const CHANGING_ACTIONS: readonly ActionName[] = Object.keys(ACTIONS)
  .filter(isActionName)
  .filter((name) => ACTIONS[name].changing);

/** What a point is for; it decides which action writing it asks (POLICY.md, "Writing a point asks"). */
export const POINT_CLASSES = ['set-point', 'command', 'parameter', 'alarm-limit', 'firmware', 'sensor'] as const;
export type PointClass = (typeof POINT_CLASSES)[number];

export const ACTION_OF_WRITING = {
  'set-point': 'point.write',
  command: 'point.write',
  parameter: 'device.configure',
  'alarm-limit': 'alarm.threshold',
  firmware: 'firmware.update',
  sensor: 'engineering.modify',
} as const satisfies Record<PointClass, ActionName>;

/** How a request came in (POLICY.md, Channels): a closed list. */
export const CHANNELS = ['local', 'tool', 'tls', 'remote'] as const;
export type Channel = (typeof CHANNELS)[number];
