// Jest setup provided by Grafana scaffolding
import './.config/jest-setup';

// A machine that builds at the same time is slow.
jest.setTimeout(30_000);

// Grafana's select menus watch their own scrolling, which jsdom does not have.
global.IntersectionObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
