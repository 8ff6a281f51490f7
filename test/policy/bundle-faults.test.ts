// Bundles that are refused: header, people, places and things.

import { device, inventory, O, places, point, testFaults } from './faulty.ts';
import { siteBundle } from './scene.ts';

testFaults({
  header: [
    { says: 'no time zone', document: { issuedAt: '2026-11-22T08:00:00' }, path: 'issuedAt' },
    { says: 'observe without an end', document: { mode: 'observe' }, path: 'observeUntil' },
    {
      says: 'observe for more than 14 days',
      document: { mode: 'observe', observeUntil: '1970-01-15T00:00:01Z' },
      path: 'observeUntil',
    },
    { says: 'negative grace', document: { graceHours: -1 }, path: 'graceHours' },
    {
      says: 'a private key',
      document: { keys: { commands: [{ kty: 'OKP', d: 'secret' }] } },
      path: 'keys.commands.0.d',
    },
    { says: 'an unknown mode', document: { mode: 'maybe' }, path: 'mode' },
    { says: 'a negative revision', document: { revision: -1 }, path: 'revision' },
  ],
  people: [
    {
      says: 'a home that does not exist',
      document: { users: [{ id: 'u', name: 'U', home: 'gone' }] },
      path: 'users.0.home',
    },
    {
      says: 'one id for a user and an application',
      document: { applications: [{ id: 'ben', name: 'B', home: 'acme' }] },
      path: 'applications.0.id',
    },
    {
      says: 'a password that is no hash',
      document: { users: [{ id: 'u', name: 'U', home: 'acme', password: 'secret' }] },
      path: 'users.0.password',
    },
    {
      says: 'one login for two',
      document: {
        users: [
          { id: 'u', name: 'U', home: 'acme', login: 'x' },
          { id: 'v', name: 'V', home: 'acme', login: 'x' },
        ],
      },
      path: 'users.1.login',
    },
    {
      says: 'one certificate for two',
      document: {
        users: [{ id: 'u', name: 'U', home: 'acme', certificates: ['x'] }],
        applications: [{ id: 'v', name: 'V', home: 'acme', certificates: ['x'] }],
      },
      path: 'applications.0.certificates.0',
    },
    {
      says: 'one token for two',
      document: {
        applications: [
          { id: 'v', name: 'V', home: 'acme', tokens: ['x'] },
          { id: 'w', name: 'W', home: 'acme', tokens: ['x'] },
        ],
      },
      path: 'applications.1.tokens.0',
    },
  ],
  inventory: [
    {
      says: 'a fact without a name',
      organization: inventory({ points: [{ ...point, facts: { '': true } }] }),
      path: `${O}.points.0.facts.`,
    },
    {
      says: 'a thing without a name',
      organization: inventory({ devices: [{ ...device, name: '' }] }),
      path: `${O}.devices.0.name`,
    },
    { says: 'no location at all', organization: inventory({ locations: [], devices: [] }), path: `${O}.locations` },
    {
      says: 'a parent that does not exist',
      organization: inventory({ locations: [...places, { id: 'x', name: 'X', kind: 'floor', parent: 'gone' }] }),
      path: `${O}.locations.2.parent`,
    },
    {
      says: 'a device as a parent',
      organization: inventory({ locations: [...places, { id: 'x', name: 'X', kind: 'floor', parent: 'd' }] }),
      path: `${O}.locations.2.parent`,
    },
    {
      says: 'a location that does not exist',
      organization: inventory({ devices: [{ ...device, location: 'gone' }] }),
      path: `${O}.devices.0.location`,
    },
    {
      says: 'a slash in a device id',
      organization: inventory({ devices: [{ ...device, id: 'a/b' }] }),
      path: `${O}.devices.0.id`,
    },
    {
      says: 'a space in a point id',
      organization: inventory({ points: [{ ...point, id: 'a b' }] }),
      path: `${O}.points.0.id`,
    },
    {
      says: 'a device that does not exist',
      organization: inventory({ points: [{ ...point, device: 'hq' }] }),
      path: `${O}.points.0.device`,
    },
    {
      says: 'involves nothing',
      organization: inventory({ points: [{ ...point, involves: ['gone'] }] }),
      path: `${O}.points.0.involves.0`,
    },
    {
      says: 'involves a place',
      organization: inventory({ points: [{ ...point, involves: ['hq'] }] }),
      path: `${O}.points.0.involves.0`,
    },
    {
      says: 'a fact that refers to nothing',
      organization: inventory({ points: [{ ...point, facts: { a: { $ref: 'gone' } } }] }),
      path: `${O}.points.0.facts.a.$ref`,
    },
    {
      says: 'a device fact the engine owns',
      organization: inventory({ devices: [{ ...device, facts: { id: 'x' } }] }),
      path: `${O}.devices.0.facts.id`,
    },
    {
      says: 'a fact of no kind',
      organization: inventory({ points: [{ ...point, facts: { a: null } }] }),
      path: `${O}.points.0.facts.a`,
    },
    {
      says: 'a fact named __proto__',
      organization: inventory({ points: [{ ...point, facts: JSON.parse('{"__proto__": true}') }] }),
      path: `${O}.points.0.facts.__proto__`,
    },
    {
      says: 'two devices with one address',
      organization: inventory({
        devices: [
          { ...device, address: { modbus: { line: 'a', unit: 1 } } },
          { ...device, id: 'e', address: { modbus: { unit: 1, line: 'a' } } },
        ],
      }),
      path: `${O}.devices.1.address.modbus`,
    },
    {
      says: 'two points with one address',
      organization: inventory({
        points: [
          { ...point, address: { bits: [1, null] } },
          { ...point, id: 'q', address: { bits: [1, null] } },
        ],
      }),
      path: `${O}.points.1.address`,
    },
    {
      says: 'a step of nothing',
      organization: inventory({ points: [{ ...point, limits: { step: 0 } }] }),
      path: `${O}.points.0.limits.step`,
    },
    {
      says: 'a class nobody knows',
      organization: inventory({ points: [{ ...point, class: 'valve' }] }),
      path: `${O}.points.0.class`,
    },
    {
      says: 'the same organization twice',
      document: { organizations: [...siteBundle().organizations, ...siteBundle().organizations] },
      path: 'organizations.1.id',
    },
    { says: 'a slash in an organization id', organization: { id: 'a/b' }, path: `${O}.id` },
  ],
});
