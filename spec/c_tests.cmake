# The tests in C: one program per file, FOLDER_NAME, whose exit code is the
# verdict. A folder of src/ has its tests in the folder of that name.
function(icrm_c_test folder name)
  set(test ${folder}_${name})
  add_executable(${test} ${folder}/${name}_test.c ${ARGN})
  target_include_directories(${test} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${test} PRIVATE icrm_${folder} icrm_warnings)
  add_test(NAME ${test} COMMAND ${test})
endfunction()

foreach(name base64 buf credentials digest interrupt nearest private_file)
  icrm_c_test(core ${name})
endforeach()

foreach(name csv layout guess page)
  icrm_c_test(text ${name})
endforeach()

foreach(name bind outline property vtql)
  icrm_c_test(vtql ${name})
endforeach()
# Takes the recorded queries as its argument.
add_executable(vtql_recorded vtql/recorded_test.c)
target_include_directories(vtql_recorded PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(vtql_recorded PRIVATE icrm_vtql icrm_warnings)
add_test(NAME vtql_recorded COMMAND vtql_recorded
         "${CMAKE_CURRENT_SOURCE_DIR}/data/vtql_recorded.tsv")

foreach(name body download form header sieve)
  icrm_c_test(net ${name})
endforeach()

foreach(name cell_text escapes large number_format writer)
  icrm_c_test(workbook ${name})
endforeach()
target_link_libraries(workbook_large PRIVATE PkgConfig::LIBZIP)

set(scripted_server net/scripted_server.c)
set(scripted_crm lanes/scripted_crm.c ${scripted_server})
foreach(name backoff budget call calls envelope lane_set limiter login_lock logins
        outcome patience quota quota_file session session_place)
  icrm_c_test(lanes ${name})
endforeach()
target_link_libraries(lanes_envelope PRIVATE PkgConfig::JANSSON)
foreach(name files dispatcher_process dispatcher_reads dispatcher_writes feed login
        replies)
  icrm_c_test(lanes ${name} ${scripted_crm})
endforeach()
icrm_c_test(lanes lane ${scripted_server})
icrm_c_test(lanes tls)
target_link_libraries(lanes_tls PRIVATE OpenSSL::SSL OpenSSL::Crypto)
if(NOT ICRM_SANITIZE) # it has a malloc of its own
  icrm_c_test(lanes oom ${scripted_server})
  target_link_libraries(lanes_oom PRIVATE icrm_vtql OpenSSL::Crypto)
  set_target_properties(lanes_oom PROPERTIES C_VISIBILITY_PRESET default
    ENABLE_EXPORTS ON)
endif()

# Its sanitizers' runtimes would have to be in lua5.4's modules as well.
if(NOT ICRM_SANITIZE AND ICRM_SANDBOX)
  add_executable(lua_host lua/host_test.c)
  target_include_directories(lua_host PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_include_directories(lua_host SYSTEM PRIVATE ${LUA_INCLUDE_DIRS})
  target_link_libraries(lua_host PRIVATE icrm_warnings ${LUA_LINK_LIBRARIES})
  add_test(NAME lua_host COMMAND lua_host ${PROJECT_SOURCE_DIR}
           ${PROJECT_BINARY_DIR})
endif()
