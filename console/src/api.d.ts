/**
 * The endpoints of the control API the console uses, in the shape openapi-typescript gives them; kept by hand.
 */
import type { components } from './schemas';

export type { components };

export interface paths {
  '/v1/tenants': {
    get: operations['list_tenants'];
  };
  '/v1/tenants/{tenant}/identity-sync': {
    get: operations['show_identity_sync'];
  };
  '/v1/tenants/{tenant}/inbound/enable': {
    post: operations['enable_inbound'];
  };
  '/v1/tenants/{tenant}/inbound/rotate': {
    post: operations['rotate_inbound'];
  };
  '/v1/tenants/{tenant}/inbound/disable': {
    post: operations['disable_inbound'];
  };
  '/v1/tenants/{tenant}/inbound/options': {
    put: operations['change_inbound_options'];
  };
  '/v1/tenants/{tenant}/outbound/enable': {
    post: operations['enable_outbound'];
  };
  '/v1/tenants/{tenant}/outbound/test': {
    post: operations['test_outbound'];
  };
  '/v1/tenants/{tenant}/outbound/disable': {
    post: operations['disable_outbound'];
  };
  '/v1/tenants/{tenant}/outbound/test-user': {
    post: operations['send_test_user'];
  };
  '/v1/tenants/{tenant}/activity': {
    get: operations['list_activity'];
  };
  '/v1/tenants/{tenant}/activity/stream': {
    get: operations['stream_activity'];
  };
  '/v1/tenants/{tenant}/outbound/parked': {
    get: operations['list_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}': {
    get: operations['show_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}/retry': {
    post: operations['retry_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}/ignore': {
    post: operations['ignore_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}/link': {
    post: operations['link_parked'];
  };
  '/v1/tenants/{tenant}/outbound/backfill': {
    get: operations['show_backfill'];
    post: operations['start_backfill'];
  };
  '/v1/tenants/{tenant}/outbound/backfill/pause': {
    post: operations['pause_backfill'];
  };
  '/v1/tenants/{tenant}/outbound/backfill/resume': {
    post: operations['resume_backfill'];
  };
  '/v1/tenants/{tenant}/outbound/backfill/cancel': {
    post: operations['cancel_backfill'];
  };
  '/v1/tenants/{tenant}/realm-users': {
    get: operations['list_realm_users'];
    post: operations['create_realm_user'];
  };
  '/v1/tenants/{tenant}/realm-users/{user}': {
    patch: operations['change_realm_user'];
  };
}

type Json<T> = { headers: { [name: string]: unknown }; content: { 'application/json': T } };
type Nothing = { headers: { [name: string]: unknown }; content?: never };
type Refused = {
  headers: { [name: string]: unknown };
  content: { 'application/problem+json': components['schemas']['Problem'] };
};
type OfTenant = { path: { tenant: string } };
type OfUser = { path: { tenant: string; user: string } };

export interface operations {
  list_tenants: {
    parameters: { query?: { search?: string; offset?: number; limit?: number } };
    responses: { 200: Json<components['schemas']['TenantList']>; default: Refused };
  };
  show_identity_sync: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['IdentitySync']>; default: Refused };
  };
  enable_inbound: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Revealed']>; 409: Refused };
  };
  rotate_inbound: {
    parameters: OfTenant & { header: { 'If-Match': string } };
    responses: { 200: Json<components['schemas']['Revealed']>; 409: Refused; 412: Refused };
  };
  disable_inbound: {
    parameters: OfTenant;
    responses: { 204: Nothing; 409: Refused };
  };
  change_inbound_options: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['InboundOptions'] } };
    responses: { 204: Nothing; 400: Refused };
  };
  enable_outbound: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['Downstream'] } };
    responses: { 200: Json<components['schemas']['Probed']>; 400: Refused; 409: Refused; 422: Refused };
  };
  test_outbound: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['Downstream'] } };
    responses: { 200: Json<components['schemas']['Probed']>; 400: Refused; 422: Refused };
  };
  disable_outbound: {
    parameters: OfTenant;
    responses: { 204: Nothing; 409: Refused };
  };
  send_test_user: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['TestUser']>; default: Refused };
  };
  list_activity: {
    parameters: OfTenant & {
      query?: {
        cursor?: string;
        limit?: number;
        direction?: 'in' | 'out' | 'realm';
        class?: string;
        user?: string;
        trace?: string;
      };
    };
    responses: { 200: Json<components['schemas']['EntryList']>; default: Refused };
  };
  stream_activity: {
    parameters: OfTenant;
    responses: {
      200: { headers: { [name: string]: unknown }; content: { 'text/event-stream': string } };
      default: Refused;
    };
  };
  list_parked: {
    parameters: OfTenant & { query?: { cursor?: string } };
    responses: { 200: Json<components['schemas']['ParkedList']>; default: Refused };
  };
  show_parked: {
    parameters: OfUser;
    responses: { 200: Json<components['schemas']['ParkedDetail']>; default: Refused };
  };
  retry_parked: {
    parameters: OfUser;
    responses: { 204: Nothing; default: Refused };
  };
  ignore_parked: {
    parameters: OfUser;
    responses: { 204: Nothing; default: Refused };
  };
  link_parked: {
    parameters: OfUser;
    requestBody: { content: { 'application/json': { downstream_id: string } } };
    responses: { 204: Nothing; 409: Refused };
  };
  show_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; 404: Refused };
  };
  start_backfill: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': { dry_run: boolean } } };
    responses: { 202: Json<components['schemas']['Backfill']>; 409: Refused };
  };
  pause_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; default: Refused };
  };
  resume_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; default: Refused };
  };
  cancel_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; default: Refused };
  };
  list_realm_users: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Person'][]>; default: Refused };
  };
  create_realm_user: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['SavePerson'] } };
    responses: { 201: Json<components['schemas']['Person']>; default: Refused };
  };
  change_realm_user: {
    parameters: OfUser;
    requestBody: { content: { 'application/json': components['schemas']['SavePerson'] } };
    responses: { 200: Json<components['schemas']['Person']>; default: Refused };
  };
}
