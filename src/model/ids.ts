// Branded ids: parse at the edge, never validate twice. The brand exists for the compiler only.

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A principal: a user's or application's id, or `ORG:issuer#subject` of an identity provider. */
export type PrincipalId = Branded<string, 'PrincipalId'>;
/** A location, device or point: they share one space of ids over the whole bundle (POLICY.md, Ids). */
export type TargetId = Branded<string, 'TargetId'>;
/** Whole number ≥ 0; a gateway never goes back. */
export type PolicyRevision = Branded<number, 'PolicyRevision'>;
/** One decision's id, unique on this gateway, in the journal and in every refusal that is shown. */
export type DecisionId = Branded<string, 'DecisionId'>;
/** A tool session's id. */
export type SessionId = Branded<string, 'SessionId'>;
/** The key under which a driver's addresses and configuration stand: `modbus`, `bacnet`. */
export type DriverName = Branded<string, 'DriverName'>;
/**
 * An integer that stands for one location, device or point within one compiled inventory.
 * Handles of two inventories must never be mixed: an inventory and everything built from it are swapped in one go.
 */
export type TargetHandle = Branded<number, 'TargetHandle'>;

export const principalId = (text: string): PrincipalId => text as PrincipalId;
export const targetId = (text: string): TargetId => text as TargetId;
export const policyRevision = (value: number): PolicyRevision => value as PolicyRevision;
export const decisionId = (text: string): DecisionId => text as DecisionId;
export const sessionId = (text: string): SessionId => text as SessionId;
export const driverName = (text: string): DriverName => text as DriverName;
export const targetHandle = (value: number): TargetHandle => value as TargetHandle;
