// Jest setup provided by Grafana scaffolding
import './.config/jest-setup';

// Grafana's select menus watch their own scrolling, which jsdom does not have.
global.IntersectionObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
