// The name of a coroutine, for headers that need no more.
#pragma once

namespace myra {

template <class T = void>
class task;

}  // namespace myra
